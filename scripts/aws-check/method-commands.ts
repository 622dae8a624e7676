import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectDirectory } from '../../lib/bundle.ts';

/** Functions outside of a class that send commands for it. */
const sentByHelpers: Record<string, string[]> = {
  queryItems: ['Query'],
  writeItems: ['BatchWriteItem'],
  addConnection: ['PutItem', 'UpdateItem', 'GetItem', 'DeleteItem'],
  removeConnection: ['DeleteItem', 'UpdateItem'],
};

/**
 * The commands of DynamoDB that each public method of a class sends, itself or by the methods that it calls.
 *
 * @param file the source of the class, from the project's folder.
 */
export function methodCommands(file: string): Map<string, string[]> {
  const source = readFileSync(join(projectDirectory, file), 'utf8');
  const start = /^ {2}(?:async )?(#?\w+)(?:<[^>]*>)?\(/gm;
  const heads = [...source.matchAll(start)];
  const bodies = new Map(
    heads.map((head, index) => [head[1]!, source.slice(head.index, heads[index + 1]?.index ?? source.length)]),
  );
  const commandsOf = (method: string, seen: Set<string>): string[] => {
    if (seen.has(method)) return [];
    seen.add(method);
    const body = bodies.get(method) ?? '';
    const own = [...body.matchAll(/new (\w+)Command\(/g)].map(([, name]) => name!);
    const helped = Object.entries(sentByHelpers).flatMap(([name, sent]) => (body.includes(`${name}(`) ? sent : []));
    const called = [...body.matchAll(/this\.(#?\w+)\(/g)].flatMap(([, name]) => commandsOf(name!, seen));
    return [...own, ...helped, ...called];
  };
  const methods = [...bodies.keys()].filter((name) => !name.startsWith('#') && name !== 'constructor');
  return new Map(methods.map((method) => [method, [...new Set(commandsOf(method, new Set()))]]));
}
