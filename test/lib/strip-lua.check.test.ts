import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { bundleHandlers, filesAtStart, projectDirectory } from '../../lib/bundle.ts';
import { stripLua } from '../../lib/strip-lua.ts';
import { composedScripts } from '../../scripts/lua/composed-scripts.ts';
import { connectRedis } from '../support/redis.ts';

let redis: Redis;
beforeAll(() => {
  redis = connectRedis();
});
afterAll(() => redis.quit());

/** The code that Redis makes of a Lua text: instructions, constants and the line of each instruction. */
function compiled(text: string): Promise<Buffer> {
  const script = "local made, problem = loadstring(ARGV[1], '=script') return string.dump(assert(made, problem))";
  return redis.callBuffer('EVAL', script, 0, text) as Promise<Buffer>;
}

describe('a bundled Lua text', () => {
  test.each([
    ['a comment', 'local a = 1 -- one\nreturn a', 'local a = 1\nreturn a'],
    ['a line that is a comment', '-- one\n  -- two\nreturn 1', '\n\nreturn 1'],
    ['a comment in long brackets', 'return --[[ one\ntwo ]] 1', 'return \n 1'],
    ['a comment between two words', 'return--[==[ ]] ]==]1', 'return 1'],
    ['the indentation', 'if a then\n    b()\n\tend', 'if a then\nb()\nend'],
    ['blanks at the end of a line', 'a()  \r\nb()\t', 'a()\nb()'],
  ])('has no longer %s', (_, text, stripped) => {
    expect(stripLua(text)).toBe(stripped);
  });

  test.each([
    ['a string with dashes', `return "-- 'one'" .. '--"two"'`],
    ['a string with an escaped quote', `return 'it\\'s -- one' .. "\\\\" .. "-- two"`],
    ['a string over two lines', 'return "one \\\n   -- two"'],
    ['a string in long brackets', 'return [[\n  -- one\n  ]] .. [==[ ]] -- two ]==]'],
    ['a subtraction', 'return 3 - -2 - a[b[1]]'],
  ])('keeps %s', (_, text) => {
    expect(stripLua(text)).toBe(text);
  });

  test('is the same program for Redis, with the same lines', async () => {
    const scripts = composedScripts().map(({ name, pieces }) => ({ name, texts: pieces.map(({ text }) => text) }));
    expect(scripts.length).toBeGreaterThan(20);
    for (const { name, texts } of scripts) {
      const [original, stripped] = await Promise.all([
        compiled(texts.join('\n')),
        compiled(texts.map(stripLua).join('\n')),
      ]);
      expect({ name, same: stripped.equals(original) }).toEqual({ name, same: true });
    }
  });

  test('would be another program if a line were missing', async () => {
    expect((await compiled('\nreturn 1')).equals(await compiled('return 1'))).toBe(false);
  });

  test('is what the functions contain', () => {
    const { metafile, directory } = bundleHandlers();
    const code = filesAtStart(metafile, 'heartbeat').map((file) =>
      readFileSync(join(directory('heartbeat'), file.replace('dist/heartbeat/', '')), 'utf8'),
    );
    const text = readFileSync(join(projectDirectory, 'lambdas/presence/scripts/touch.lua'), 'utf8');
    const end = (lua: string) => lua.slice(-200);
    expect(code.filter((each) => each.includes(end(stripLua(text))))).toHaveLength(1);
    expect(code.filter((each) => each.includes(end(text)))).toEqual([]);
  });
});
