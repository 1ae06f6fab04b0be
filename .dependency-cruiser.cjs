// Which module may import which (docs/architecture.md), for `npm run check:deps`. test/architecture.long.test.ts shows that each rule
// bites. All imports count, type-only ones too.
//
// It reads TypeScript by @swc/core: TypeScript 7 has no parser for it, and without @swc/core it would leave out every .ts file
// without a word.

// And it asks @swc/core for TypeScript without JSX, whatever the file (17.4.3, src/extract/swc/parse.mjs).
const swc = require('@swc/core');

const { parseFileSync } = swc;
swc.parseFileSync = (file, options) => parseFileSync(file, { ...options, tsx: file.endsWith('.tsx') });

const CORE = '^src/(core/|errors\\.ts$)';

/** Small helpers without any knowledge of the product. */
const LIB = '^src/lib/';

/** What runs in the browser. */
const PAGE = '^src/adapters/web/public/';

/** What talks to the world outside. */
const SDKS =
  'node_modules/(discord\\.js|@discordjs|@slack/(bolt|web-api|socket-mode)|ioredis|libsql|openai|@langchain/openai)/';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'core-stands-alone',
      comment:
        'Core knows its own files, errors.ts, lib and Node. What it needs from outside is an interface in core/ports.ts.',
      severity: 'error',
      from: { path: CORE },
      to: { pathNot: [CORE, LIB], dependencyTypesNot: ['core'] },
    },
    {
      name: 'modules-know-core-only',
      comment:
        'The store, the queue, the model and the reader of files know core and how a Redis connection is opened, and not each other.',
      severity: 'error',
      from: { path: '^src/(memory|queue|chain|files)/' },
      to: { path: '^src/', pathNot: ['^src/$1/', CORE, LIB, '^src/redis/'] },
    },
    {
      name: 'commands-know-core-only',
      comment: 'Commands run on the interfaces of core; their texts are in i18n.',
      severity: 'error',
      from: { path: '^src/commands/' },
      to: { path: '^src/', pathNot: ['^src/commands/', '^src/i18n/', CORE, LIB] },
    },
    {
      name: 'messages-know-core-only',
      comment: 'Messages are text and nothing else.',
      severity: 'error',
      from: { path: '^src/i18n/' },
      to: { path: '^src/', pathNot: ['^src/i18n/', CORE, LIB] },
    },
    {
      name: 'adapters-stand-alone',
      comment:
        'An adapter knows core, replies, i18n, lib, how files are downloaded and the shared files of src/adapters. It is handed a BotPort; it never reaches for another adapter, the store, the queue or the model.',
      severity: 'error',
      from: { path: '^src/adapters/([^/]+)/' },
      to: {
        path: '^src/',
        pathNot: [
          '^src/adapters/$1/',
          '^src/adapters/[^/]+\\.ts$',
          '^src/(replies|i18n)/',
          '^src/files/fetch\\.ts$',
          CORE,
          LIB,
        ],
      },
    },
    {
      name: 'shared-adapter-files-know-no-adapter',
      comment: 'What all adapters share knows none of them.',
      severity: 'error',
      from: { path: '^src/adapters/[^/]+\\.ts$' },
      to: { path: '^src/', pathNot: ['^src/adapters/[^/]+\\.ts$', '^src/i18n/', CORE, LIB] },
    },
    {
      name: 'replies-know-no-adapter',
      comment: 'How a reply grows, is split and recovered is the same for all platforms.',
      severity: 'error',
      from: { path: '^src/replies/' },
      to: { path: '^src/', pathNot: ['^src/replies/', '^src/i18n/', CORE, LIB] },
    },
    {
      name: 'lib-stands-alone',
      comment: 'Helpers that would be of use in any program; of this one they know its error class alone.',
      severity: 'error',
      from: { path: LIB },
      to: { path: '^src/', pathNot: [LIB, '^src/errors\\.ts$'] },
    },
    {
      name: 'settings-are-handed-in',
      comment: 'Only the composition knows the settings; everything else is given what it needs.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(main\\.ts$|app/|config/)' },
      to: { path: '^src/config/' },
    },
    {
      name: 'pure-files-know-no-sdk',
      comment: 'normalize, render, the context and splitting are pure functions over plain data.',
      severity: 'error',
      from: { path: '([/-](normalize|render)\\.ts$|^src/(memory/context|replies/markdown)/)' },
      to: { path: SDKS },
    },
    {
      name: 'discord-in-its-adapter',
      comment: "A platform's SDK is known in its adapter only.",
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/adapters/discord/' },
      to: { path: 'node_modules/(discord\\.js|@discordjs)/' },
    },
    {
      name: 'slack-in-its-adapter',
      comment: "A platform's SDK is known in its adapter only.",
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/adapters/slack/' },
      to: { path: 'node_modules/@slack/' },
    },
    {
      name: 'model-client-in-chain',
      comment: 'The model is asked in one place.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/chain/' },
      to: { path: 'node_modules/(@langchain/openai|openai)/' },
    },
    {
      name: 'page-shares-types-only',
      comment:
        "The playground's page runs in the browser: of the server it knows the shapes of what goes between them, and which text " +
        'is worth reading as Markdown.',
      severity: 'error',
      from: { path: PAGE },
      to: {
        path: '.',
        pathNot: [
          PAGE,
          '^src/(adapters/web/schemas|replies/markdown/limits)\\.ts$',
          '^node_modules/(preact|marked|uplot)/',
        ],
      },
    },
    {
      name: 'page-is-built-by-itself',
      comment: "Nothing of the server runs what is the browser's.",
      severity: 'error',
      from: { path: '^src/', pathNot: PAGE },
      to: { path: PAGE },
    },
    {
      name: 'nobody-imports-main',
      comment: 'main.ts starts the bot by being imported.',
      severity: 'error',
      from: {},
      to: { path: '^src/main\\.ts$' },
    },
    {
      name: 'product-without-tests',
      comment: 'What is shipped does not need tests, benchmarks or scripts.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|scripts)/' },
    },
    {
      name: 'product-without-dev-dependencies',
      comment: 'npm ci --omit=dev leaves them out. What the page is made of is in its script when it is built.',
      severity: 'error',
      from: { path: '^src/', pathNot: PAGE },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['npm'] },
    },
    {
      name: 'no-unlisted-package',
      comment: 'A package that only happens to be installed is gone with the next update.',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'no-cycle',
      comment: 'Two files that need each other are one file, or lack a third. Type-only imports count.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphan',
      comment: 'A file that nobody imports and that imports nothing does nothing. (Declarations are for the compiler.)',
      severity: 'error',
      from: { orphan: true, path: '^src/', pathNot: '\\.d\\.ts$' },
      to: {},
    },
    {
      name: 'no-unresolvable',
      comment: 'An import that leads nowhere.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    // bench/ lists what it compares with in a package.json of its own, and takes all else from the root's.
    combinedDependencies: true,
    enhancedResolveOptions: {
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.cjs', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      mainFields: ['module', 'main', 'types'],
    },
    skipAnalysisNotInRules: true,
  },
};
