import { App } from './app.ts';

const root = document.querySelector<HTMLElement>('#app');
if (!root) throw new Error('The page has no element #app.');
new App(root).start();
