// The thread that runs codecs. It answers straight to standard output, call by call and in order, so that whatever kills it,
// the first call without an answer is the one to blame.
import { getHeapStatistics } from 'node:v8';
import { parentPort, workerData } from 'node:worker_threads';
import { writeLine } from './output.mjs';
import { Codec, LibraryCodec, syntaxError } from './realm.mjs';

const progress = new Int32Array(workerData.progress);
const codecs = new Map();
const library = new Map();
const mostCodecs = 32;
const fullHeap = workerData.callMegabytes * 1024 * 1024;

function codecFor(key, text, ofLibrary) {
  if (ofLibrary) {
    if (!library.has(key)) library.set(key, new LibraryCodec(text));
    return library.get(key);
  }
  let codec = codecs.get(key);
  if (codec === undefined) {
    if (codecs.size >= mostCodecs) codecs.delete(codecs.keys().next().value);
    codec = new Codec(text);
  } else {
    codecs.delete(key);
  }
  codecs.set(key, codec); // the map's order is that of use
  return codec;
}

// A promise that a codec leaves behind (an `import()`, say) is nobody's concern: its jobs never run.
process.on('unhandledRejection', () => {});

parentPort.on('message', (line) => {
  const { id, key, text, library: ofLibrary, operation, calls } = JSON.parse(line);
  for (let index = 0; index < calls.length; index++) {
    Atomics.store(progress, 0, index);
    Atomics.add(progress, 1, 1);
    const answer = operation === 'check' ? `R${JSON.stringify(syntaxError(text))}` : outcome(key, text, ofLibrary, operation, calls[index]);
    // Valid JSON has no control characters; what a codec throws may, and a line feed would let it answer for others.
    writeLine(`${id}\t${index}\t${answer.replace(/[\x00-\x1f\x7f]+/g, ' ')}`);
  }
  Atomics.store(progress, 0, -1);
  Atomics.add(progress, 1, 1);
  // Codecs that are kept ready take memory that belongs to calls: start afresh rather than let a good one run short.
  if (getHeapStatistics().used_heap_size > fullHeap) codecs.clear();
  parentPort.postMessage(null);
});

function outcome(key, text, ofLibrary, operation, call) {
  try {
    return codecFor(key, text, ofLibrary).call(operation, call);
  } catch (error) {
    const fault = syntaxError(text);
    if (fault !== null) return `X${fault.message} (line ${fault.line}, column ${fault.column})`;
    return error instanceof RangeError ? 'XRangeError: the stack is full' : 'XError: the codec broke its realm';
  }
}
