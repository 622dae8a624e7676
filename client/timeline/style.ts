/**
 * The styles of the timeline, in the cascade layer `rollcall`, so that each rule of the application overrides them. The first rules equal
 * those of `ui/style.ts`. They are here again because a shared part would make the other components larger.
 */
const sheet = `@layer rollcall{
.rollcall{--rollcall-text:light-dark(#1b1d22,#f2f3f5);--rollcall-muted:light-dark(#565b66,#b4b9c4);--rollcall-back:light-dark(#fff,#23262d);--rollcall-line:light-dark(#c9cdd6,#474c58);--rollcall-accent:light-dark(#0b57d0,#a8c7fa);color:var(--rollcall-text);font:.875rem/1.4 system-ui,sans-serif;box-sizing:border-box}
.rollcall :is(button,a,input,select){font:inherit;color:var(--rollcall-accent);border-radius:.375rem;cursor:pointer}
.rollcall :is(button,input,select){background:var(--rollcall-back);border:1px solid;padding:.25rem .75rem}
.rollcall :focus-visible{outline:2px solid var(--rollcall-accent);outline-offset:2px}
.rollcall-timeline{--rollcall-alarm:light-dark(#b3261e,#f2b8b5);display:grid;grid-template-columns:minmax(0,1fr);gap:.5rem;padding:.75rem;background:var(--rollcall-back)}
.rollcall-timeline :is(p,ul,dl){margin:0;padding:0}
.rollcall-timeline input{width:100%;padding:0;accent-color:var(--rollcall-accent)}
.rollcall-timeline ul{list-style:none;max-height:24rem;overflow:auto;border:1px solid var(--rollcall-line)}
.rollcall-timeline li{padding:.25rem .5rem}
.rollcall-timeline li>div{position:relative;height:2rem;overflow:hidden}
.rollcall-timeline li>div::before{content:"";position:absolute;inset:0 0 0 var(--break,100%);border-inline-start:2px solid var(--rollcall-alarm);background:color-mix(in srgb,var(--rollcall-alarm) 20%,#0000)}
.rollcall-timeline :is(i,li span){position:absolute;bottom:0;width:2px;height:.5rem;background:var(--rollcall-text);pointer-events:none}
.rollcall-timeline li span{height:2rem}
.rollcall-timeline li button{position:absolute;inset-block:.25rem;min-width:1.5rem;padding:0 .25rem;border:0;text-align:end;white-space:nowrap;overflow:hidden;container-type:inline-size;background:var(--rollcall-colour);color:#fff}
.rollcall-timeline li button:focus-visible{outline-offset:-2px;outline-color:#fff}
.rollcall-timeline li [aria-pressed=true]{box-shadow:0 0 0 2px var(--rollcall-back),0 0 0 4px var(--rollcall-text)}
.rollcall-timeline li [data-broken]{background:var(--rollcall-alarm);color:var(--rollcall-back)}
.rollcall-timeline li b{display:none}
@container (min-width:7rem){.rollcall-timeline li b{display:inline}}
.rollcall-timeline li [data-unproved]{outline:2px dashed var(--rollcall-alarm);outline-offset:-2px}
.rollcall-timeline [role=alert],.rollcall-timeline tr[data-broken]{color:var(--rollcall-alarm);font-weight:600}
.rollcall-timeline dl{display:flex;flex-wrap:wrap;gap:.5rem 1.5rem}
.rollcall-timeline dt{color:var(--rollcall-muted)}
.rollcall-timeline dd{margin:0;overflow-wrap:anywhere}
.rollcall-timeline details>div{overflow:auto;max-height:24rem}
.rollcall-timeline :is(td,th){text-align:start;padding:.125rem .5rem;white-space:nowrap}
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
