'use strict';

const js = require('@eslint/js');

const NODE = [
  '__dirname', '__filename', 'AbortController', 'AbortSignal', 'Atomics', 'Buffer', 'SharedArrayBuffer', 'clearInterval',
  'clearTimeout', 'console', 'fetch', 'module', 'pigato', 'process', 'require', 'setImmediate', 'setInterval', 'setTimeout',
];

module.exports = [
  { ignores: ['node_modules/'] },
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    languageOptions: {
      sourceType: 'commonjs',
      globals: Object.fromEntries(NODE.map((name) => [name, 'readonly'])),
    },
    rules: {
      'no-unused-vars': ['error', { varsIgnorePattern: '^_$', argsIgnorePattern: '^_' }],
      eqeqeq: 'error',
      'prefer-const': 'error',
    },
  },
  { files: ['**/*.mjs'], languageOptions: { sourceType: 'module' } },
];
