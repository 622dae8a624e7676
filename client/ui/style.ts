/**
 * The default styles. They are in the cascade layer `rollcall`, so that each rule of the application overrides them. Their colours
 * are variables that follow the light or dark scheme of the page.
 */
const sheet = `@layer rollcall{
.rollcall{--rollcall-text:light-dark(#1b1d22,#f2f3f5);--rollcall-muted:light-dark(#565b66,#b4b9c4);--rollcall-back:light-dark(#fff,#23262d);--rollcall-line:light-dark(#c9cdd6,#474c58);--rollcall-accent:light-dark(#0b57d0,#a8c7fa);--rollcall-warn:light-dark(#8a4b00,#ffb86b);--rollcall-size:2rem;color:var(--rollcall-text);font:.875rem/1.4 system-ui,sans-serif;box-sizing:border-box}
.rollcall :is(button,a,input,select){font:inherit;color:var(--rollcall-accent);border-radius:.375rem;cursor:pointer}
.rollcall :is(button,input,select){background:var(--rollcall-back);border:1px solid;padding:.25rem .75rem}
.rollcall :focus-visible{outline:2px solid var(--rollcall-accent);outline-offset:2px}
.rollcall-avatars{display:flex;margin:0;padding:0;list-style:none}
.rollcall-avatars li+li{margin-inline-start:-.375rem}
.rollcall-avatars [data-status]{position:relative;display:grid;place-items:center;box-sizing:border-box;width:var(--rollcall-size);height:var(--rollcall-size);padding:0;border:2px solid var(--rollcall-back);border-radius:50%;background:var(--rollcall-colour,var(--rollcall-muted));color:#fff;font-weight:600;font-size:.75rem}
.rollcall-avatars img{width:100%;height:100%;border-radius:inherit;object-fit:cover}
.rollcall-avatars [data-status]::after{content:"";position:absolute;right:-2px;bottom:-2px;width:.625rem;height:.625rem;box-sizing:border-box;border:2px solid var(--rollcall-back);border-radius:50%;background:#188038}
.rollcall-avatars [data-kind]{border-radius:25%}
.rollcall-avatars [data-status=away]::after{background:#e8a100}
.rollcall-avatars [data-status=offline]::after{background:#80868b}
.rollcall-avatars [data-status=more]{color:var(--rollcall-back)}
.rollcall-avatars [data-status=more]::after{content:none}
.rollcall[data-stale]{filter:grayscale()}
.rollcall-cursors{position:absolute;inset:0;z-index:1;pointer-events:none}
.rollcall-cursors>*{position:absolute;left:0;top:0;display:flex;color:var(--rollcall-colour)}
.rollcall-cursors[data-stale] svg{opacity:.45}
.rollcall-cursors svg{flex:none;width:16px;height:20px;fill:currentColor;stroke:#fff;overflow:visible}
.rollcall-cursors span{align-self:end;margin-block-start:1rem;padding:.0625rem .375rem;border-radius:.5rem;background:var(--rollcall-colour);color:#fff;font-size:.75rem;white-space:nowrap}
.rollcall-status,.rollcall-follow,.rollcall-invite,.rollcall-notices footer{display:flex;flex-wrap:wrap;gap:.25rem .75rem;align-items:center}
.rollcall-status,.rollcall-follow,.rollcall-invite,.rollcall-notices>*{margin:0;padding:.375rem .75rem;background:var(--rollcall-back);border:1px solid var(--rollcall-line);border-radius:.5rem}
.rollcall-invite input{flex:1}
.rollcall[data-quiet]{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.rollcall-notices{display:grid;gap:.25rem .75rem;justify-items:start}
.rollcall-notices>section{display:grid;grid-template-columns:auto 1fr;gap:.25rem .75rem;max-width:30rem;padding:1rem}
.rollcall-notices svg{width:1.5rem;height:1.5rem;fill:none;stroke:var(--rollcall-warn);stroke-width:2}
.rollcall-notices h2{margin:0;font-size:1rem}
.rollcall-notices section>:not(svg,h2){grid-column:2;margin:0}
@media not (prefers-reduced-motion){.rollcall-cursors:not([data-still])>*{transition:transform .12s linear,opacity .3s}}
}`;

const dressed = new WeakSet<Document>();

/** Adds the style sheet to a document, once. Content security policies that forbid inline styles allow a constructed sheet. */
export function dress({ ownerDocument: page }: Element): void {
  if (dressed.has(page)) return;
  dressed.add(page);
  if (page.adoptedStyleSheets) {
    const style = new page.defaultView!.CSSStyleSheet();
    style.replaceSync(sheet);
    page.adoptedStyleSheets = [...page.adoptedStyleSheets, style];
  } else {
    // Browsers before 2023, and jsdom.
    const style = page.createElement('style');
    style.textContent = sheet;
    page.head.prepend(style);
  }
}
