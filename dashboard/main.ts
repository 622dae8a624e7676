import { openAccess } from './access/access.ts';
import { type Config, readConfig } from './config.ts';
import { openDashboard } from './dashboard.ts';
import { element } from './view/dom.ts';
import { loading, notice } from './view/notice.ts';

const app = document.querySelector('#app')!;

function show(content: HTMLElement): void {
  app.replaceChildren(element('main', { class: 'alone' }, content));
}

async function start(): Promise<void> {
  show(loading('Opening the dashboard …'));
  let config: Config;
  try {
    config = await readConfig();
    openDashboard(app, config, await openAccess(config.signIn));
  } catch (error) {
    const action = { label: 'Try again', run: () => void start() };
    show(
      notice({
        title: 'The dashboard cannot open',
        text: (error as Error).message,
        action,
        isAlert: true,
        isPage: true,
      }),
    );
  }
}

void start();
