import { log } from '../../lambdas/platform/log.ts';

test.each(['a\nb', 'a\r\n{"level":"ERROR"}', '\u2028', '\u001b[31m', '"}'])(
  'a value with %j stays inside its log line',
  (value) => {
    const written: string[] = [];
    const note = (text: unknown) => {
      written.push(String(text));
      return true;
    };
    const spies = [
      jest.spyOn(process.stdout, 'write').mockImplementation(note),
      jest.spyOn(process.stderr, 'write').mockImplementation(note),
      jest.spyOn(console, 'warn').mockImplementation(note),
    ];
    try {
      log.warn('A user said something', { username: value, error: new Error(value) });
    } finally {
      for (const spy of spies) spy.mockRestore();
    }
    expect(written).toHaveLength(1);
    const line = written[0]!.trimEnd();
    for (const control of ['\r', '\n', '\u001b']) expect(line).not.toContain(control);
    expect(JSON.parse(line)).toMatchObject({ username: value, error: { message: value } });
  },
);
