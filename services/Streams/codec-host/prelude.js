// Runs inside a codec's realm before any codec does, and is the only code there that the host calls. What crosses the border is
// strings: JSON in, a tagged JSON string out. No object of the host ever reaches a codec, none of a codec's is touched by the host.
'use strict';
(() => {
  const { parse, stringify } = JSON;
  const { apply, ownKeys, getOwnPropertyDescriptor, defineProperty, deleteProperty, getPrototypeOf } = Reflect;
  const { freeze, is } = Object;
  const { has: setHas, add: setAdd } = Set.prototype;
  const { push } = Array.prototype;
  const { slice: sliceString } = String.prototype;
  const { exec } = RegExp.prototype;
  const DateOf = Date;
  const SetOf = Set;
  const ErrorOf = Error;
  const StringOf = String;
  const TypeErrorOf = TypeError;
  const realm = globalThis;

  // What a codec has no use for, and what remembers something from one call to the next or tells of the outside.
  const unwanted = ['WebAssembly', 'SharedArrayBuffer', 'Atomics', 'WeakRef', 'FinalizationRegistry'];
  for (const name of unwanted) delete realm[name];
  for (const key of ownKeys(RegExp)) {
    const property = getOwnPropertyDescriptor(RegExp, key);
    if (property.get && typeof key === 'string') delete RegExp[key]; // RegExp.$1, RegExp.input, …: the last match of the last call
  }
  delete ErrorOf.captureStackTrace;
  defineProperty(ErrorOf, 'prepareStackTrace', { value: undefined });
  defineProperty(ErrorOf, 'stackTraceLimit', { value: 4 });

  /** Every object that a codec can reach without making it itself. */
  const intrinsics = () => {
    const found = new SetOf();
    const pending = [];
    const see = (value) => {
      if ((typeof value === 'object' && value !== null) || typeof value === 'function') {
        if (!apply(setHas, found, [value])) {
          apply(setAdd, found, [value]);
          apply(push, pending, [value]);
        }
      }
    };
    for (const key of ownKeys(realm)) if (key !== 'globalThis') see(realm[key]);
    see(getPrototypeOf(function* () {}));
    see(getPrototypeOf(async function () {}));
    see(getPrototypeOf(async function* () {}));
    see(getPrototypeOf([][Symbol.iterator]()));
    see(getPrototypeOf(''[Symbol.iterator]()));
    see(getPrototypeOf(/./[Symbol.matchAll]('')));
    see(getPrototypeOf(new Map()[Symbol.iterator]()));
    see(getPrototypeOf(new SetOf()[Symbol.iterator]()));
    while (pending.length > 0) {
      const object = pending[pending.length - 1];
      pending.length -= 1;
      see(getPrototypeOf(object));
      for (const key of ownKeys(object)) {
        const property = getOwnPropertyDescriptor(object, key);
        see(property.value);
        see(property.get);
        see(property.set);
      }
    }
    return found;
  };

  /** The state of all built-ins as a flat list, to see whether a call has changed one. */
  const fingerprint = () => {
    const state = [];
    for (const object of intrinsics())
      for (const key of ownKeys(object)) {
        const { value, get, set } = getOwnPropertyDescriptor(object, key);
        apply(push, state, [object, key, value, get, set]);
      }
    return state;
  };

  const untouched = (before) => {
    const after = fingerprint();
    if (after.length !== before.length) return false;
    for (let i = 0; i < after.length; i++) if (!is(after[i], before[i])) return false;
    return true;
  };

  // A frozen prototype property cannot be shadowed by assignment (`o.toString = …`), which sloppy code fails at silently. An accessor can.
  const allowShadowing = (prototype) => {
    for (const key of ownKeys(prototype)) {
      const property = getOwnPropertyDescriptor(prototype, key);
      if (!('value' in property) || !property.configurable) continue;
      const { value, enumerable } = property;
      defineProperty(prototype, key, {
        enumerable,
        configurable: true,
        get: () => value,
        set(shadow) {
          if (this === prototype) throw new TypeErrorOf(`Cannot assign to read only property '${StringOf(key)}'`);
          defineProperty(this, key, { value: shadow, writable: true, enumerable: true, configurable: true });
        },
      });
    }
  };

  /** Makes the realm one that no call can change, so that it can serve many. */
  const harden = () => {
    allowShadowing(Object.prototype);
    for (const error of [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError, AggregateError]) allowShadowing(error.prototype);
    for (const object of intrinsics()) freeze(object);
    // The value must be named: the realm's global object would take its absence for undefined.
    for (const key of ownKeys(realm)) defineProperty(realm, key, { value: realm[key], writable: false, configurable: false });
  };

  /** Removes the globals that a codec made by assigning to undeclared names. False when one cannot be removed. */
  const cleaner = () => {
    const known = new SetOf(ownKeys(realm));
    return () => {
      for (const key of ownKeys(realm)) if (!apply(setHas, known, [key]) && !deleteProperty(realm, key)) return false;
      return true;
    };
  };

  const cut = (text, length) => apply(sliceString, text, [0, length]);

  /** What went wrong in words, whatever was thrown: reading it is a codec's code again. */
  const describe = (thrown) => {
    try {
      if (!(thrown instanceof ErrorOf)) return cut(`threw ${typeof thrown === 'object' ? stringify(thrown) : StringOf(thrown)}`, 300);
      const place = apply(exec, /codec\.js:(\d+):(\d+)/, [StringOf(thrown.stack)]);
      return cut(`${StringOf(thrown.name)}: ${StringOf(thrown.message)}`, 300) + (place ? ` (line ${place[1]}, column ${place[2]})` : '');
    } catch {
      return 'threw something that cannot be described';
    }
  };

  const call = (codec, name, input) => {
    const answer = codec[name](input);
    if (typeof answer !== 'object' || answer === null) throw new TypeErrorOf(`${name} returned ${answer === null ? 'null' : typeof answer} instead of an object`);
    if (typeof answer.then === 'function') throw new TypeErrorOf(`${name} returned a promise; a codec must answer at once`);
    return answer;
  };

  const operations = {
    __proto__: null,
    /** decodeUplink, and what normalizeUplink makes of it. */
    uplink(codec, input) {
      const decoded = call(codec, 'decodeUplink', input);
      const normal = codec.normalizeUplink && typeof decoded.data === 'object' && decoded.data !== null
        ? call(codec, 'normalizeUplink', { data: parse(stringify(decoded.data)) })
        : undefined;
      return { decoded, normal };
    },
    /** Only normalizeUplink, for data that arrived decoded. */
    normalize(codec, input) {
      return { decoded: input, normal: codec.normalizeUplink ? call(codec, 'normalizeUplink', { data: input.data }) : undefined };
    },
    encode: (codec, input) => call(codec, 'encodeDownlink', input),
    decodeDownlink: (codec, input) => call(codec, 'decodeDownlink', input),
  };
  const needs = { __proto__: null, uplink: 'decodeUplink', encode: 'encodeDownlink', decodeDownlink: 'decodeDownlink' };

  /**
   * One call: `create` evaluates the codec's text anew, so its top-level variables are fresh.
   * Answers `R` + JSON, `N` + the name of a function that the codec lacks, or `X` + what it threw.
   */
  const run = (create, operation, json) => {
    try {
      const codec = create();
      const needed = needs[operation];
      if (needed !== undefined && !codec[needed]) return `N${needed}`;
      const input = parse(json);
      if (typeof input.recvTime === 'string') input.recvTime = new DateOf(input.recvTime);
      const answer = stringify(operations[operation](codec, input));
      return typeof answer === 'string' ? `R${answer}` : 'XTypeError: the answer is no JSON';
    } catch (thrown) {
      return `X${describe(thrown)}`;
    }
  };

  return { run, harden, cleaner, fingerprint, untouched };
})();
