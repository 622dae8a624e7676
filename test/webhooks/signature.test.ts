import { randomUUID } from 'node:crypto';
import { SecretBox } from '../../lambdas/webhooks/secret-box.ts';
import { makeWebhookSecret, webhookHeaders } from '../../lambdas/webhooks/webhook-signature.ts';

/** The example of the libraries of Standard Webhooks. */
const example = {
  secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  content: { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: 1614265330, body: '{"test": 2432232314}' },
  signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
};

test('[WH2] the signature equals that of the example of Standard Webhooks', () => {
  expect(webhookHeaders(example.content, [example.secret])).toMatchObject({
    'webhook-id': example.content.id,
    'webhook-timestamp': '1614265330',
    'webhook-signature': example.signature,
  });
});

test('[WH2] during a rotation both secrets sign, the current one first', () => {
  const other = makeWebhookSecret();
  const both = webhookHeaders(example.content, [other, example.secret])['webhook-signature']!.split(' ');
  expect(both).toEqual([webhookHeaders(example.content, [other])['webhook-signature'], example.signature]);
});

test('[WH2] a secret has 32 random bytes after whsec_', () => {
  const secrets = [makeWebhookSecret(), makeWebhookSecret()];
  expect(secrets[0]).not.toBe(secrets[1]);
  for (const secret of secrets) {
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]+=*$/);
    expect(Buffer.from(secret.slice(6), 'base64')).toHaveLength(32);
  }
});

test('[WH7] a stored secret can be read only with the key, for its own endpoint, and unchanged', async () => {
  const box = new SecretBox(async () => 'the key');
  const [id, secret] = [randomUUID(), makeWebhookSecret()];
  const sealed = await box.seal(secret, id);
  expect(sealed.includes(secret.slice(6))).toBe(false);
  expect(await box.open(sealed, id)).toBe(secret);
  expect(await box.seal(secret, id)).not.toEqual(sealed);
  const changed = Buffer.from(sealed);
  changed[changed.length - 1]! ^= 1;
  await expect(box.open(changed, id)).rejects.toThrow();
  await expect(box.open(sealed, randomUUID())).rejects.toThrow();
  await expect(new SecretBox(async () => 'another key').open(sealed, id)).rejects.toThrow();
  await expect(box.open(Buffer.concat([Buffer.of(9), sealed]), id)).rejects.toThrow('form that is not known');
});
