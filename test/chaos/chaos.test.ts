import { testChaos } from './chaos-tests.ts';

testChaos(
  '[PR10] [PR12] [DE3] [FA1] [FA2] [FA3] [FA5] during each kind of fault, users see who is present, and no present user is reported as having left',
  {
    ...{ users: 12, rooms: 2, paceMillis: 1000, phaseMillis: 1000, interruptionMillis: 700, leastViews: 6 },
    settings: {
      PRESENCE_UPDATE_SECONDS: '3',
      HEARTBEAT_TIMEOUT_SECONDS: '3',
      AWAY_AFTER_SECONDS: '60',
      RECONNECT_GRACE_SECONDS: '2',
      CLEANUP_INTERVAL_MINUTES: '1',
    },
  },
);
