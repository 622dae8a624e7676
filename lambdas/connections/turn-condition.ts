import type { Turn } from '../platform/turn.ts';

/**
 * The condition of DynamoDB that an item was not written by a later turn; undefined where the turn says nothing. It has no
 * brackets: the local DynamoDB takes 20 ms to read nested ones.
 */
export function notAfter({ order, receivedAt }: Turn): string | undefined {
  const byTime = ['attribute_not_exists(#receivedAt)', '#receivedAt <= :receivedAt'];
  if (order === undefined) return receivedAt === undefined ? undefined : byTime.join(' OR ');
  const hasNoOrder = 'attribute_not_exists(#order)';
  const otherwise = receivedAt === undefined ? [hasNoOrder] : byTime.map((one) => `${hasNoOrder} AND ${one}`);
  return ['#order <= :order', ...otherwise].join(' OR ');
}
