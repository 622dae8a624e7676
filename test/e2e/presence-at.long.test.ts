import './presence-at.test.ts';
