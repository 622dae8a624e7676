import { testChaos } from './chaos-tests.ts';

testChaos(
  '[PR10] [PR12] [DE3] [FA1] [FA2] [FA3] [FA5] during each kind of fault, users see who is present, and no present user is reported as having left',
  {
    ...{ users: 30, rooms: 3, paceMillis: 4000, phaseMillis: 2000, interruptionMillis: 1500, leastViews: 20 },
    // A silent user times out after fifteen seconds.
    settings: {
      PRESENCE_UPDATE_SECONDS: '5',
      HEARTBEAT_TIMEOUT_SECONDS: '10',
      AWAY_AFTER_SECONDS: '60',
      RECONNECT_GRACE_SECONDS: '4',
      CLEANUP_INTERVAL_MINUTES: '1',
    },
  },
);
