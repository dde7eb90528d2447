// Standard input: {"turtle","rdfXml","jsonLd","shapes"}, the last being a path or null.
// Standard output: {"statements": sorted N-Triples of each, "violations": [...]}.
import { readFileSync } from 'node:fs'
import jsonld from 'jsonld'
import N3 from 'n3'
import SHACLValidator from 'rdf-validate-shacl'
import { RdfXmlParser } from 'rdfxml-streaming-parser'

const { turtle, rdfXml, jsonLd, shapes } = JSON.parse(readFileSync(0, 'utf8'))

const lines = quads => {
  const writer = new N3.Writer({ format: 'N-Triples' })
  return [...new Set(quads.map(quad => writer.quadToString(quad.subject, quad.predicate, quad.object).trim()))].sort()
}

const readXml = text => new Promise((resolve, reject) => {
  const quads = []
  const parser = new RdfXmlParser({ strict: true })
  parser.on('data', quad => quads.push(quad)).on('error', reject).on('end', () => resolve(quads))
  parser.end(text)
})

const fromTurtle = new N3.Parser({ format: 'text/turtle' }).parse(turtle)
const nquads = await jsonld.toRDF(JSON.parse(jsonLd), { format: 'application/n-quads' })
const statements = {
  turtle: lines(fromTurtle),
  rdfXml: lines(await readXml(rdfXml)),
  jsonLd: lines(new N3.Parser({ format: 'N-Quads' }).parse(nquads)),
}

let violations = null
if (shapes) {
  const validator = new SHACLValidator(new N3.Store(new N3.Parser().parse(readFileSync(shapes, 'utf8'))))
  const report = await validator.validate(new N3.Store(fromTurtle))
  violations = report.results
    .filter(result => result.severity?.value === 'http://www.w3.org/ns/shacl#Violation')
    .map(result => `${result.focusNode?.value} ${result.path?.value ?? ''} ${result.sourceConstraintComponent?.value} ${result.message.map(text => text.value).join(' ')}`)
}
process.stdout.write(JSON.stringify({ statements, violations }))
