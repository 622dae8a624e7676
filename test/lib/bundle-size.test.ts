import { bundleHandlers, filesAtStart, filesOf } from '../../lib/bundle.ts';
import { type HandlerName, handlerNames, handlers } from '../../lib/handlers.ts';

/** The most code that a start of such a function may load, in bytes. */
const startLimit = 400 * 1024;
const { metafile } = bundleHandlers();
const quick = handlerNames.filter((name) => handlers[name].startsQuickly);

/** The packages and folders with the most bytes among the files, so that a failure names what to load later. */
function largest(files: readonly string[]): string[] {
  const sizes = new Map<string, number>();
  for (const [input, { bytesInOutput }] of files.flatMap((file) => Object.entries(metafile.outputs[file]!.inputs))) {
    const part = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? input.split('/').slice(0, 2).join('/');
    sizes.set(part, (sizes.get(part) ?? 0) + bytesInOutput);
  }
  const sorted = [...sizes].sort(([, one], [, other]) => other - one);
  return sorted.slice(0, 5).map(([part, bytes]) => `${part}: ${bytes}`);
}

const bytesOf = (files: readonly string[]) => files.reduce((sum, file) => sum + metafile.outputs[file]!.bytes, 0);

/** The packages in the code that a start loads. */
function packagesAtStart(name: HandlerName): string[] {
  const inputs = filesAtStart(metafile, name).flatMap((file) => Object.keys(metafile.outputs[file]!.inputs));
  return inputs.flatMap((input) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? []);
}

test('handshakes, heartbeats and cursors are served by functions that start quickly', () => {
  expect(quick.toSorted()).toEqual(['authorizer', 'connect', 'cursor', 'heartbeat']);
});

test.each(quick)(`a start of %s loads at most ${startLimit} bytes of code`, (name) => {
  const files = filesAtStart(metafile, name);
  const bytes = bytesOf(files);
  expect(bytes <= startLimit ? 'within the limit' : { bytes, largest: largest(files) }).toBe('within the limit');
});

test.each(['heartbeat', 'cursor'] as const)(
  '%s loads the clients of other stores only if a frame needs them',
  (name) => {
    const loaded = packagesAtStart(name);
    expect(loaded).toContain('ioredis');
    for (const later of ['pg', 'jose', 'undici', '@aws-sdk/client-dynamodb', '@aws-sdk/client-lambda']) {
      expect(loaded).not.toContain(later);
    }
    expect(bytesOf(filesOf(metafile, name))).toBeGreaterThan(2 * startLimit);
  },
);

test('no bundle has the sources of credentials that Lambda does not use', () => {
  const inputs = handlerNames
    .flatMap((name) => filesOf(metafile, name))
    .flatMap((file) => Object.keys(metafile.outputs[file]!.inputs));
  expect(
    inputs.filter((input) => /credential-provider-(node|sso|ini|process)\/|nested-clients\/.*sso/.test(input)),
  ).toEqual([]);
  expect(inputs).toContain('lambdas/platform/environment-credentials.ts');
});
