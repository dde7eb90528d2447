import { defineConfig } from 'vitest/config';

// The rules are plain functions: they are tested without a browser. What a person sees is tested in one, by tests/Portal.Tests.
export default defineConfig({ test: { include: ['tests/**/*.test.ts'], setupFiles: ['tests/page.ts'], reporters: ['dot', './build/counting-reporter.ts'] } });
