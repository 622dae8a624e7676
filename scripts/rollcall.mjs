#!/usr/bin/env node
/** `npx rollcall <command>` in a checkout: the same commands as `node scripts/run.mjs <command>`. */
import './run.mjs';
