/** Addresses of the servers that the global set-up of the test run started. */
function address(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; run the tests with \`npm test\`, which starts the servers.`);
  return value;
}

export const testAddresses = {
  get database() {
    return address('TEST_DATABASE_URL');
  },
  get redis() {
    return address('TEST_REDIS_URL');
  },
  get dynamodb() {
    return address('TEST_DYNAMODB_ENDPOINT');
  },
};
