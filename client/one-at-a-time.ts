/** Makes a function that does nothing while its last call runs. A failure of the call is not reported. */
export function oneAtATime(run: () => Promise<unknown>): () => void {
  let isRunning = false;
  const done = () => {
    isRunning = false;
  };
  return () => {
    if (isRunning) return;
    isRunning = true;
    run().then(done, done);
  };
}
