import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectDirectory } from '../../lib/bundle.ts';
import { find, prodTemplate } from './templates.ts';

const directory = mkdtempSync(join(tmpdir(), 'rollcall-check-aws-'));
afterAll(() => rmSync(directory, { recursive: true }));

test('the command names the file, the resource and the next step of each finding, and fails', async () => {
  const template = prodTemplate();
  const [id, properties] = find(template, 'AWS::Logs::LogGroup');
  delete properties['RetentionInDays'];
  const file = join(directory, 'changed.template.json');
  writeFileSync(file, JSON.stringify(template));
  const whole = join(directory, 'whole.template.json');
  writeFileSync(whole, JSON.stringify(prodTemplate()));
  const outcome = await new Promise((resolve) => {
    execFile(process.execPath, ['scripts/check-aws.ts', whole, file], { cwd: projectDirectory }, (error, stdout) =>
      resolve({ code: error?.code ?? 0, stdout }),
    );
  });
  expect(outcome).toEqual({
    code: 1,
    stdout: `${file}: ${id}: The log group keeps its lines for ever. Set RetentionInDays.\nTemplates checked: 2, findings: 1.\n`,
  });
});
