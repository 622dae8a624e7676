const conditionFailed = 'ConditionalCheckFailedException';

/** Whether DynamoDB refused a write because of its condition. */
export function isRefused(error: unknown): boolean {
  return (error as Error).name === conditionFailed;
}

/** Whether the condition of a write was met. */
export function isMet(write: Promise<unknown>): Promise<boolean> {
  return write.then(
    () => true,
    (error: unknown) => {
      if (!isRefused(error)) throw error;
      return false;
    },
  );
}
