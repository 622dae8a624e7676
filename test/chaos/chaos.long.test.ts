import { testChaos } from './chaos-tests.ts';

testChaos(
  '[PR10] [PR12] [DE3] [FA1] [FA2] [FA3] [FA5] through every kind of trouble, users see who is present and nobody present is reported as gone',
  {
    ...{ users: 30, rooms: 3, paceMillis: 4000, weatherMillis: 2000, interruptionMillis: 1500, leastViews: 20 },
    // Whoever is silent for fifteen seconds is gone.
    settings: {
      PRESENCE_UPDATE_SECONDS: '5',
      HEARTBEAT_TIMEOUT_SECONDS: '10',
      AWAY_AFTER_SECONDS: '60',
      RECONNECT_GRACE_SECONDS: '4',
      CLEANUP_INTERVAL_MINUTES: '1',
    },
  },
);
