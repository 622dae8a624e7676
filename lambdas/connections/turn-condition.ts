import type { Turn } from '../platform/turn.ts';

/**
 * The DynamoDB condition that no later turn wrote the item; undefined if the turn is empty. It has no brackets, because the
 * local DynamoDB needs 20 ms to parse nested ones.
 */
export function notAfter({ order, receivedAt }: Turn): string | undefined {
  const byTime = ['attribute_not_exists(#receivedAt)', '#receivedAt <= :receivedAt'];
  if (order === undefined) return receivedAt === undefined ? undefined : byTime.join(' OR ');
  const hasNoOrder = 'attribute_not_exists(#order)';
  const otherwise = receivedAt === undefined ? [hasNoOrder] : byTime.map((one) => `${hasNoOrder} AND ${one}`);
  return ['#order <= :order', ...otherwise].join(' OR ');
}
