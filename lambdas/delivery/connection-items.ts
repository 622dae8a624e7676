import type { AttributeValue, PutItemCommandInput } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { connectionLifetimeMillis } from '../../protocol/timings.ts';
import type { LeftSession, Membership } from './connection-registry.ts';
import type { FrameOrder } from './frame-order.ts';

/** Leaves room for the clocks of two services; the table's TTL is tidiness, never a signal. */
const keptMillis = connectionLifetimeMillis + 60 * 60 * 1000;

/** The position of a frame as its two attributes. */
export function storedFrame(frame: FrameOrder | undefined): { receivedAt?: number; frameOrder?: number | undefined } {
  return frame ? { receivedAt: frame.receivedAt, frameOrder: frame.order } : {};
}

export function readItem(item: Record<string, AttributeValue>): Membership | LeftSession {
  const stored = unmarshall(item) as Membership & ReturnType<typeof storedFrame> & { choiceOrder?: number };
  const { receivedAt, frameOrder, choiceOrder: _, ...known } = stored;
  return receivedAt === undefined ? known : { ...known, frame: { receivedAt, order: frameOrder } };
}

/** A condition that fails where a later join or leave of the connection was written down, as `isOlder` says. */
export function unlessLater(frame: FrameOrder | undefined): Partial<PutItemCommandInput> {
  if (!frame) return {};
  const neverOrEarlier = 'attribute_not_exists(receivedAt) OR receivedAt <= :receivedAt';
  if (frame.order === undefined) {
    return {
      ConditionExpression: neverOrEarlier,
      ExpressionAttributeValues: marshall({ ':receivedAt': frame.receivedAt }),
    };
  }
  return {
    ConditionExpression: `(attribute_not_exists(frameOrder) AND (${neverOrEarlier})) OR frameOrder <= :order`,
    ExpressionAttributeValues: marshall({ ':receivedAt': frame.receivedAt, ':order': frame.order }),
  };
}

/** DynamoDB's TTL counts in seconds. */
export function expiry(from: number): number {
  return Math.floor((from + keptMillis) / 1000);
}
