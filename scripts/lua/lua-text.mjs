import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

/** Lets Node.js import a Lua file as a module whose default export is the text. It is loaded with `--import`. */
registerHooks({
  load(url, context, next) {
    if (!url.endsWith('.lua')) return next(url, context);
    const text = readFileSync(fileURLToPath(url), 'utf8');
    return { format: 'module', source: `export default ${JSON.stringify(text)};`, shortCircuit: true };
  },
});
