/** A Lua file, as text. esbuild, Jest and `scripts/lua/lua-text.mjs` load it. */
declare module '*.lua' {
  const text: string;
  export default text;
}
