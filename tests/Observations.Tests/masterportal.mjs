// Reads SensorThings the way the Masterportal's sensor layer does: follows every @iot.nextLink, at whatever depth, but not where the link shows that no more
// than $top entities were asked for ($top <= $skip); makes map features of the Locations; and reads $resultFormat=GeoJSON with the same library.
// Standard input: {"root", "queries": {name: path}, "geojson": path}. Standard output: {"requests", "things": {name: [...]}, "features": [...], "geojson": [...]}.
import { readFileSync } from 'node:fs'
import GeoJSON from 'ol/format/GeoJSON.js'

const { root, queries, geojson } = JSON.parse(readFileSync(0, 'utf8'))
let requests = 0

const get = async url => {
  requests++
  if (requests > 500) throw new Error(`links without end: ${url}`)
  const answer = await fetch(url)
  if (!answer.ok) throw new Error(`${answer.status} for ${url}: ${await answer.text()}`)
  return answer.json()
}

const number = (url, option) => Number(new RegExp(`(?:\\$|%24)${option}=([0-9]+)`).exec(url)?.[1] ?? 0)

const isEnd = link => number(link, 'top') > 0 && number(link, 'top') <= number(link, 'skip')

// Completes an object in place with all that its links lead to.
const complete = async object => {
  for (const [key, value] of Object.entries(object)) {
    if (key.endsWith('@iot.nextLink')) {
      const list = object[key === '@iot.nextLink' ? 'value' : key.split('@')[0]]
      for (let link = value; link && !isEnd(link);) {
        const page = await get(link)
        list.push(...page.value)
        link = page['@iot.nextLink']
      }
      delete object[key]
    }
  }
  for (const value of Object.values(object))
    if (value && typeof value === 'object') await complete(value)
  return object
}

const format = new GeoJSON()
const things = {}
for (const [name, path] of Object.entries(queries)) things[name] = (await complete(await get(`${root}/${path}`))).value

const features = Object.values(things).flat().flatMap(thing => (thing.Locations ?? []).map(({ location }) => {
  const geometry = format.readGeometry(location.geometry ?? location, { featureProjection: 'EPSG:3857' })
  return { thing: thing['@iot.id'], type: geometry.getType(), at: geometry.getCoordinates().map(Math.round) }
}))

const collection = await get(`${root}/${geojson}`)
const read = format.readFeatures(collection).map(feature => ({ ...feature.getProperties(), geometry: feature.getGeometry()?.getCoordinates() }))
process.stdout.write(JSON.stringify({ requests, things, features, geojson: read }))
