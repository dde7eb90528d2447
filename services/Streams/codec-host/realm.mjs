import { readFileSync } from 'node:fs';
import vm from 'node:vm';

const prelude = new vm.Script(readFileSync(new URL('prelude.js', import.meta.url), 'utf8'), { filename: 'prelude.js' });

// Ends the codec's function body: hands out what it defined, and nothing else.
const tail = `
;return { __proto__: null,
  decodeUplink: typeof decodeUplink === 'function' ? decodeUplink : undefined,
  normalizeUplink: typeof normalizeUplink === 'function' ? normalizeUplink : undefined,
  encodeDownlink: typeof encodeDownlink === 'function' ? encodeDownlink : undefined,
  decodeDownlink: typeof decodeDownlink === 'function' ? decodeDownlink : undefined };`;

/** A global world of its own: no require, process, timers or console output, no code from strings. Promise jobs never run in it. */
function createWorld() {
  const globals = Object.create(null);
  const context = vm.createContext(globals, { codeGeneration: { strings: false, wasm: false }, microtaskMode: 'afterEvaluate' });
  return { globals, context, inside: prelude.runInContext(context) };
}

const compile = (context, text) => vm.compileFunction(text + tail, [], { parsingContext: context, filename: 'codec.js' });

function createRealm(text) {
  const { globals, context, inside } = createWorld();
  return { globals, inside, create: compile(context, text) };
}

/** A world that no call can change, with what sweeps up after one. */
function createHardened() {
  const world = createWorld();
  world.inside.harden();
  const sweep = world.inside.cleaner();
  return { ...world, sweep, tidyKeys: Reflect.ownKeys(world.globals).length };
}

let libraryWorld = null;

/**
 * A codec of the platform's own library. All of them share one hardened world, so that trying the whole library on a message costs
 * milliseconds and holding it ready costs one world's memory; their tests see to it that none changes a built-in.
 */
export class LibraryCodec {
  #text;
  #world = null;
  #create = null;

  constructor(text) {
    this.#text = text;
  }

  /** Answers as `run` of prelude.js does. */
  call(operation, json) {
    libraryWorld ??= createHardened();
    if (this.#world !== libraryWorld) {
      this.#world = libraryWorld;
      this.#create = compile(libraryWorld.context, this.#text);
    }
    const { inside, globals, sweep, tidyKeys } = libraryWorld;
    const answer = checked(inside.run(this.#create, operation, json));
    if (Reflect.ownKeys(globals).length !== tidyKeys && !(sweep() === true)) libraryWorld = null;
    return answer;
  }
}

/** Where a codec's text does not parse: `{message, line, column}`, or null when it does. */
export function syntaxError(text) {
  try {
    createRealm(text);
    return null;
  } catch (error) {
    const stack = String(error?.stack ?? '');
    const line = Number(/^codec\.js:(\d+)/.exec(stack)?.[1] ?? 1);
    const caret = /\n([ \t]*)\^/.exec(stack);
    return { message: String(error?.message ?? 'Invalid text'), line, column: (caret?.[1].length ?? 0) + 1 };
  }
}

/**
 * A codec ready to be called. Nothing that a call does is seen by the next one, in one of two ways:
 * most codecs share a realm between calls whose built-ins are frozen, and whose stray globals are swept up after each call;
 * a codec that changes built-ins (as some makers' polyfills do) gets a new realm for each call, about 0.5 ms dearer.
 */
export class Codec {
  #text;
  #shared = null;
  #sweep = null;
  #tidyKeys = 0;
  #changesBuiltins = null;

  constructor(text) {
    this.#text = text;
  }

  /** Whether every call needs a realm of its own; null before the first. */
  get changesBuiltins() {
    return this.#changesBuiltins;
  }

  /** Answers as `run` of prelude.js does. */
  call(operation, json) {
    if (this.#changesBuiltins === null) return this.#firstCall(operation, json);
    if (this.#changesBuiltins) return this.#callAlone(operation, json);

    if (this.#shared === null) this.#share();
    const answer = checked(this.#shared.inside.run(this.#shared.create, operation, json));
    if (Reflect.ownKeys(this.#shared.globals).length !== this.#tidyKeys && !(this.#sweep() === true)) this.#shared = null;
    if (answer[0] !== 'X') return answer;

    // Was it the frozen built-ins that it stumbled over? Then it throws no more where they are not.
    const alone = this.#callAlone(operation, json);
    if (alone[0] !== 'X') this.#changesBuiltins = true;
    return alone;
  }

  #firstCall(operation, json) {
    const { inside, create } = createRealm(this.#text);
    const before = inside.fingerprint();
    const answer = checked(inside.run(create, operation, json));
    this.#changesBuiltins = !(inside.untouched(before) === true);
    return answer;
  }

  #callAlone(operation, json) {
    const { inside, create } = createRealm(this.#text);
    return checked(inside.run(create, operation, json));
  }

  #share() {
    this.#shared = createRealm(this.#text);
    this.#shared.inside.harden();
    this.#sweep = this.#shared.inside.cleaner();
    this.#tidyKeys = Reflect.ownKeys(this.#shared.globals).length;
  }
}

const longestAnswer = 64 * 1024;

// Anything but a string would be an object of the codec's making: it is not looked at, not even to report it.
function checked(answer) {
  if (typeof answer !== 'string') return 'XTypeError: the codec broke its realm';
  return answer.length > longestAnswer ? `XRangeError: the answer is longer than ${longestAnswer / 1024} kB` : answer;
}
