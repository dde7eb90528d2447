import type { Reporter, TestModule } from 'vitest/node';

/** Ends the output as node's own test runner does, so that tools/test can count. */
export default class CountingReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const tests = modules.flatMap(module => [...module.children.allTests()]);
    const ended = (state: string) => tests.filter(test => test.result().state === state).length;
    // A file that cannot be loaded has no tests that could fail.
    const broken = modules.filter(module => module.errors().length > 0).length + errors.length;
    console.log(`# pass ${ended('passed')}\n# fail ${ended('failed') + broken}\n# skipped ${ended('skipped')}`);
  }
}
