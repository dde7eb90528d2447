// Runs payload codecs for the Streams service, which starts it, feeds it and restarts it when it dies.
//
// Standard input: one JSON object a line: {"id":7,"key":"…","text":"…","library":false,"operation":"uplink","calls":["{…}",…]};
// the calls are JSON texts, `library` says that the text ships with the platform.
// Standard output: per call, in order, `id TAB index TAB answer`, then `id TAB done`. An answer's first letter says what it is:
//   R a result (JSON)   N the codec has no such function   X the codec threw   K the call was killed for taking too much
// A killed call ends its line early: the calls after it have no answer and may be sent again when it is their turn.
// This thread only watches; codecs run in one worker thread, so the processor time and memory that this process gains while a call
// runs are that call's. Processor time rather than the clock, because on a busy machine a good codec may have to wait for its turn.
import { createInterface } from 'node:readline';
import { Worker } from 'node:worker_threads';
import { writeLine } from './output.mjs';

const limits = {
  milliseconds: Number(process.env.CODEC_MILLISECONDS ?? 50),
  megabytes: Number(process.env.CODEC_MEGABYTES ?? 32),
};
const lookEvery = 10;

const progress = new SharedArrayBuffer(8); // [index of the call that runs or -1, number of calls begun]
const seen = new Int32Array(progress);
const queue = [];
let worker = null;
let current = null; // id of the line that is worked on

function startWorker() {
  const started = new Worker(new URL('worker.mjs', import.meta.url), {
    workerData: { progress, callMegabytes: limits.megabytes },
    env: {},
    // Room for one call beside the codecs that are kept ready, which never take more than a call may.
    resourceLimits: { maxOldGenerationSizeMb: limits.megabytes * 2, maxYoungGenerationSizeMb: 16, stackSizeMb: 2 },
  });
  started.on('message', () => {
    if (started === worker) finish();
  });
  started.on('error', (error) => {
    if (started !== worker) return;
    worker = null;
    const reason = error?.code === 'ERR_WORKER_OUT_OF_MEMORY' ? tooMuchMemory() : 'stopped its thread';
    if (current !== null) blame(reason);
  });
  started.on('exit', () => {
    if (started !== worker) return;
    worker = null;
    if (current !== null) blame('stopped its thread');
  });
  return started;
}

const tooMuchMemory = () => `needs more than ${limits.megabytes} MB of memory`;

function next() {
  if (current !== null || queue.length === 0) return;
  const line = queue.shift();
  current = Number(/^\{"id":(\d+)/.exec(line)[1]);
  worker ??= startWorker();
  seen[0] = -1;
  worker.postMessage(line);
  watch();
}

function finish() {
  writeLine(`${current}\tdone`);
  current = null;
  next();
}

/** The call that was running is answered as killed. */
function blame(reason) {
  writeLine(`${current}\t${Math.max(Atomics.load(seen, 0), 0)}\tK${reason}`);
  finish();
}

let timer = null;

function watch() {
  if (timer !== null) return;
  let call = -1;
  let processor = 0;
  let memory = 0;
  timer = setInterval(() => {
    if (current === null) {
      clearInterval(timer);
      timer = null;
      return;
    }
    if (worker === null || Atomics.load(seen, 0) < 0) return;
    const begun = Atomics.load(seen, 1);
    const used = process.cpuUsage();
    const now = used.user + used.system;
    if (begun !== call) {
      call = begun;
      processor = now;
      memory = process.memoryUsage.rss();
      return;
    }
    // Buffers count here alone: the worker's own limits see only its heap. Half as much again is left for the engine's own needs.
    if (process.memoryUsage.rss() - memory > 1.5 * limits.megabytes * 1024 * 1024) kill(tooMuchMemory(), begun);
    else if (now - processor > limits.milliseconds * 1000) kill(`took more than ${limits.milliseconds} ms of processor time`, begun);
  }, lookEvery);
}

async function kill(reason, call) {
  const doomed = worker;
  worker = null;
  // A loop inside one built-in cannot be interrupted: then the process ends, and whoever started it blames the call without an answer.
  const stuck = setTimeout(() => process.kill(process.pid, 'SIGKILL'), 500);
  await doomed.terminate();
  clearTimeout(stuck);
  // Otherwise the call ended just before its worker did: its answer is out already.
  if (Atomics.load(seen, 1) === call) blame(reason);
  else finish();
  worker ??= startWorker();
}

createInterface({ input: process.stdin, crlfDelay: Infinity })
  .on('line', (line) => {
    queue.push(line);
    next();
  })
  .on('close', () => process.exit(0));

worker = startWorker();
