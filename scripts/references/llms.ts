import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { errorCodes } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';

/** `llms.txt`: what a language model needs to know to write code for Rollcall, in the form of https://llmstxt.org. */

/** What each limit counts. */
const limitNames: Record<keyof typeof limits, string> = {
  messageBytes: 'bytes of a message',
  nestingLevels: 'levels of nested lists and objects in a message',
  requestIdCharacters: 'characters of a `requestId`',
  activityCharacters: 'characters of an activity text',
  cursorBytes: 'bytes of a cursor as JSON',
  dataBytes: 'bytes of the data of a user in a session as JSON, all keys together',
  metadataBytes: 'bytes of the metadata of a session as JSON',
  detailsBytes: 'bytes of the details of an activity as JSON',
  eventCharacters: 'characters of the name of a broadcast event',
  payloadBytes: 'bytes of the payload of a broadcast as JSON',
  operationIdCharacters: 'characters of an `operationId`',
  keyCharacters: 'characters of the key of a session',
  accessClaimBytes: 'bytes of the keys and roles in the access claim of a token',
  targetCharacters: 'characters of the `target` of a session',
  activityTypeCharacters: 'characters of the type of an activity',
  nameCharacters: 'characters of the name of a user or a machine',
  machineIdCharacters: 'characters of a `machineId`',
  maxParticipants: 'participants of a session',
  pageItems: 'entries of a page of the audit trail',
  diffPartBytes: 'bytes of the members in one part of a diff',
  listBytes: 'bytes of a list in one frame',
  messagesPerSecond: 'messages of a connection a second',
  messageBurst: 'messages of a connection at once',
};

/** Pages for maintainers of Rollcall. */
const internalPages = ['benchmarks.md', 'coverage.md', 'rules.md'];

/**
 * @param project the folder of the checkout.
 * @param made pages that are made in the same run, by their path.
 * @returns the whole text of `llms.txt`.
 */
export function llmsText(project: string, made: Record<string, string>): string {
  const read = (page: string) => readFileSync(join(project, page), 'utf8');
  const readme = read('README.md');
  const client = read('client/README.md');
  const sections = [
    `# Rollcall\n\n> ${oneLine(firstParagraph(readme))}`,
    factsOf(read('docs/migrating/README.md')),
    `## First code\n\n${firstCode(client)}`,
    `## Entry points of the client\n\n${tableBelow(client, '## Entry points')}`,
    `## Limits\n\n${limitLines()}\n\nA message over a limit is refused with \`TOO_LARGE\`. A cursor over the rate is dropped.`,
    `## Error codes\n\n${errorLines()}`,
    `## Settings of the service\n\n${tableBelow(read('docs/settings.md'), '## Of the service')}`,
    ...linkSections(project, made),
  ];
  return `${sections.join('\n\n')}\n`;
}

const oneLine = (text: string) => text.replace(/\s*\n\s*/g, ' ');

/** What follows the title of a page. */
function firstParagraph(page: string): string {
  return page.split('\n\n')[1] ?? '';
}

/** The list of what is special about Rollcall. */
function factsOf(page: string): string {
  const facts = /(^- [\s\S]*)$/m.exec(page)?.[1];
  if (!facts) throw new Error('docs/migrating/README.md has no list of what is the same for all services.');
  return facts.trim().replace(/\]\(\.\.\//g, '](docs/');
}

function firstCode(page: string): string {
  const code = /^```ts\n[\s\S]*?^```$/m.exec(page)?.[0];
  if (!code) throw new Error('client/README.md has no code.');
  return code;
}

/** The first table below a heading. Columns lose their padding. */
function tableBelow(page: string, heading: string): string {
  const [, below] = page.split(`\n${heading}\n`);
  const rows = /(?:^\|.*\n)+/m
    .exec(below ?? '')?.[0]
    .trim()
    .split('\n');
  if (!rows) throw new Error(`There is no table below "${heading}".`);
  const cells = (row: string) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replace(/^(:?)-+(:?)$/, '$1---$2'));
  return rows.map((row) => `| ${cells(row).join(' | ')} |`).join('\n');
}

function limitLines(): string {
  return Object.entries(limitNames)
    .map(([name, meaning]) => `- ${limits[name as keyof typeof limits].toLocaleString('en')} ${meaning}`)
    .join('\n');
}

function errorLines(): string {
  const codes = Object.entries(errorCodes);
  const of = (isRetryable: boolean) =>
    codes
      .filter(([, { retryable }]) => retryable === isRetryable)
      .map(([code]) => `\`${code}\``)
      .join(', ');
  return `- A retry may succeed: ${of(true)}\n- A retry cannot succeed: ${of(false)}`;
}

/** Links to the pages, in a section for each folder. */
function linkSections(project: string, made: Record<string, string>): string[] {
  const titles = {
    docs: 'Docs',
    'docs/guides': 'Guides',
    'docs/client-reference': 'Reference of the client',
    'docs/recipes': 'Tokens',
    'docs/migrating': 'Moving here',
  };
  return Object.entries(titles).map(([folder, title]) => {
    const isHere = (path: string) => dirname(path) === folder && path.endsWith('.md');
    const isMade = Object.keys(made).some(isHere);
    const paths = isMade ? Object.keys(made) : readdirSync(join(project, folder)).map((name) => `${folder}/${name}`);
    const links = paths
      .filter((path) => isHere(path) && !internalPages.includes(basename(path)))
      .sort()
      .map((path) => {
        const text = made[path] ?? readFileSync(join(project, path), 'utf8');
        const heading = /^# (.*)$/m.exec(text)?.[1];
        return `- [${heading}](${path}): ${firstSentence(firstParagraph(text))}`;
      });
    return `## ${title}\n\n${links.join('\n')}`;
  });
}

/** The sentence without links, because they are relative to its page. */
function firstSentence(paragraph: string): string {
  const sentence = /^.*?[.:](?=\s|$)/.exec(oneLine(paragraph))?.[0] ?? oneLine(paragraph);
  return sentence.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/:$/, '.');
}
