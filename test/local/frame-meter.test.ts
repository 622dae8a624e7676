import { createFrameMeter } from '../../local/gateway/frame-meter.ts';

/** A masked text frame of a client (RFC 6455). */
function frame(payloadBytes: number, opcode = 0x81): Buffer {
  const mask = Buffer.from([1, 2, 3, 4]);
  const length =
    payloadBytes < 126
      ? Buffer.from([0x80 | payloadBytes])
      : payloadBytes < 65_536
        ? Buffer.from([0x80 | 126, payloadBytes >> 8, payloadBytes & 255])
        : Buffer.concat([Buffer.from([0x80 | 127]), bigEndian(payloadBytes)]);
  return Buffer.concat([Buffer.from([opcode]), length, mask, Buffer.alloc(payloadBytes, 0xff)]);
}

function bigEndian(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/** Passes the bytes in pieces of the given size and returns the length of the oversized payload. */
function measure(bytes: Buffer, piece: number, limit: number): number[] {
  const found: number[] = [];
  const meter = createFrameMeter(limit, (size) => found.push(size));
  for (let from = 0; from < bytes.length; from += piece) meter(bytes.subarray(from, from + piece));
  return found;
}

const payloads = [0, 1, 125, 126, 127, 1000, 65_535, 65_536, 70_000];

test.each([1, 2, 3, 7, 1024, 1 << 20])('frames are measured when they arrive in pieces of %i bytes', (piece) => {
  const bytes = Buffer.concat(payloads.map((payload) => frame(payload)));
  expect(measure(bytes, piece, 70_000)).toEqual([]);
  expect(measure(bytes, piece, 69_999)).toEqual([70_000]);
  expect(measure(bytes, piece, 65_535)).toEqual([65_536]);
  expect(measure(bytes, piece, 999)).toEqual([1000]);
});

test('fragments are measured separately, also with control frames between them', () => {
  const bytes = Buffer.concat([frame(100, 0x01), frame(5, 0x89), frame(100, 0x00), frame(101, 0x80)]);
  expect(measure(bytes, 3, 100)).toEqual([101]);
});

test('frames without a mask are also measured', () => {
  const unmasked = Buffer.concat([
    Buffer.from([0x81, 3]),
    Buffer.from('abc'),
    Buffer.from([0x81, 4]),
    Buffer.from('abcd'),
  ]);
  expect(measure(unmasked, 2, 3)).toEqual([4]);
});
