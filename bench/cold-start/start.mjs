// One start of a function: prints the CPU time and the duration of loading its bundle, in milliseconds.
const [file] = process.argv.slice(2);
const [before, began] = [process.cpuUsage(), performance.now()];
await import(file);
const { user, system } = process.cpuUsage(before);
process.stdout.write(JSON.stringify({ cpu: (user + system) / 1000, wall: performance.now() - began }), () =>
  process.exit(),
);
