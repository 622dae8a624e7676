/** A parameter that holds Unix milliseconds, as a time. */
export const time = (parameter: string) => `to_timestamp(${parameter}::float8 / 1000)`;

/** A parameter that holds milliseconds, as a duration. */
export const duration = (parameter: string) => `(${parameter}::float8 * interval '1 millisecond')`;
