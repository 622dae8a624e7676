/** The largest payload of one WebSocket frame that API Gateway accepts. */
export const maximumFrameBytes = 32 * 1024;
/** The largest message, in any number of frames. */
export const maximumMessageBytes = 128 * 1024;

const longestHeader = 14;

/**
 * Measures the frames in the bytes of a WebSocket, because the socket library shows only whole messages.
 *
 * @param oversized called once, with the payload length of the first frame above the limit.
 * @returns a function to call with each received chunk, in order.
 */
export function createFrameMeter(limit: number, oversized: (bytes: number) => void): (chunk: Buffer) => void {
  const header = Buffer.alloc(longestHeader);
  let held = 0;
  let payloadLeft = 0;
  let done = false;

  return (chunk) => {
    let position = 0;
    while (position < chunk.length && !done) {
      if (payloadLeft > 0) {
        const skipped = Math.min(payloadLeft, chunk.length - position);
        payloadLeft -= skipped;
        position += skipped;
        continue;
      }
      header[held++] = chunk[position++]!;
      const length = held >= 2 ? headerLength(header[1]!) : 2;
      if (held < length) continue;
      payloadLeft = payloadLength(header);
      held = 0;
      if (payloadLeft > limit) {
        done = true;
        oversized(payloadLeft);
      }
    }
  };
}

/** Bytes of a frame's header: two, the extended length, and the mask (RFC 6455, section 5.2). */
function headerLength(second: number): number {
  const short = second & 0x7f;
  const extended = short === 127 ? 8 : short === 126 ? 2 : 0;
  return 2 + extended + (second & 0x80 ? 4 : 0);
}

function payloadLength(header: Buffer): number {
  const short = header[1]! & 0x7f;
  if (short === 126) return header.readUInt16BE(2);
  return short === 127 ? Number(header.readBigUInt64BE(2)) : short;
}
