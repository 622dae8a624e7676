import { printFunctionOutput } from '../../local/lambda/function-log.ts';
import { createOutput } from '../../local/output.ts';

function printed(level: string | undefined, text: string): string[] {
  const lines: string[] = [];
  printFunctionOutput(
    createOutput((line) => lines.push(line), level),
    'Session',
    text,
  );
  return lines.map((line) => line.replace(/^\d\d:\d\d:\d\d\.\d{3} /, ''));
}

const logged = (fields: object) =>
  `${JSON.stringify({ level: 'INFO', message: 'Joined', timestamp: 'now', service: 'rollcall', ...fields })}\n`;

test('a structured line is printed as level, function, message and fields', () => {
  expect(printed('INFO', logged({ sessionId: 's', count: 2, nested: { a: 1 } }))).toEqual([
    'INFO  Session  Joined sessionId=s count=2 nested={"a":1}',
  ]);
  expect(
    printed('INFO', logged({ level: 'ERROR', error: { name: 'TypeError', message: 'no', stack: 'at …' } })),
  ).toEqual(['ERROR Session  Joined (TypeError: no)']);
});

test('other text is printed unchanged, also if it begins like JSON', () => {
  expect(printed('INFO', 'plain\n{not json\n\n')).toEqual(['INFO  Session  plain', 'INFO  Session  {not json']);
});

test.each([
  [undefined, 0],
  ['INFO', 0],
  ['nonsense', 0],
  ['DEBUG', 2],
  ['debug', 2],
])('with LOG_LEVEL %s, %i lines of debugging and metrics are printed', (level, count) => {
  const text = logged({ level: 'DEBUG' }) + logged({ message: undefined, _aws: { CloudWatchMetrics: [] }, posts: 3 });
  expect(printed(level, text)).toHaveLength(count);
});

test('all lines at or above the chosen level are printed', () => {
  expect(printed('ERROR', logged({ level: 'WARN' }) + logged({ level: 'CRITICAL' }))).toEqual([
    'ERROR Session  Joined',
  ]);
});
