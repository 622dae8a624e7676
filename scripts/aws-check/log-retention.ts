import {
  allDependenciesOf,
  type Finding,
  isObject,
  isSame,
  listed,
  resourcesOf,
  type Template,
  targetOf,
} from './template.ts';

/** A log group that a service writes to. If it does not exist, the service creates it without a retention. */
interface WrittenLog {
  writer: string;
  name: unknown;
}

const nextStep = 'Add an AWS::Logs::LogGroup with this name and RetentionInDays, and let the resource depend on it.';

/**
 * Checks that every log group has a retention, and that the template creates each group that AWS would create by itself,
 * before its writer. These are the logs of functions and the logs that PostgreSQL, Redis and API Gateway export.
 */
export function checkLogRetention(template: Template): Finding[] {
  const groups = resourcesOf(template, 'AWS::Logs::LogGroup');
  const withoutEnd = groups
    .filter(([, { RetentionInDays }]) => RetentionInDays === undefined)
    .map(([logicalId]) => ({
      logicalId,
      problem: 'The log group keeps its lines for ever.',
      nextStep: 'Set RetentionInDays.',
    }));
  const functions = resourcesOf(template, 'AWS::Lambda::Function')
    .filter(([, { LoggingConfig }]) => !isOwnGroup(template, isObject(LoggingConfig) && LoggingConfig['LogGroup']))
    .map(([logicalId]) => ({
      logicalId,
      problem: 'Lambda creates the log group of the function without a retention.',
      nextStep: 'Set LoggingConfig.LogGroup to a log group of the template.',
    }));
  const exported = writtenLogs(template).flatMap(({ writer, name }) => {
    const [group] = groups.find(([id, { LogGroupName }]) => isSame(LogGroupName, name) || targetOf(name) === id) ?? [];
    if (group !== undefined && allDependenciesOf(template, writer).has(group)) return [];
    const text = typeof name === 'string' ? name : JSON.stringify(name);
    return [{ logicalId: writer, problem: `AWS creates the log group ${text} for it without a retention.`, nextStep }];
  });
  return [...withoutEnd, ...functions, ...exported];
}

function isOwnGroup(template: Template, value: unknown): boolean {
  return template.Resources[targetOf(value) ?? '']?.Type === 'AWS::Logs::LogGroup';
}

function writtenLogs(template: Template): WrittenLog[] {
  return [
    ...databaseLogs(template, 'AWS::RDS::DBInstance', 'instance', 'DBInstanceIdentifier'),
    ...databaseLogs(template, 'AWS::RDS::DBCluster', 'cluster', 'DBClusterIdentifier'),
    ...resourcesOf(template, 'AWS::ElastiCache::ReplicationGroup', 'AWS::ElastiCache::CacheCluster').flatMap(
      ([writer, { LogDeliveryConfigurations }]) =>
        listed(LogDeliveryConfigurations).flatMap((each) => {
          const details = isObject(each) && isObject(each['DestinationDetails']) ? each['DestinationDetails'] : {};
          const logs = details['CloudWatchLogsDetails'];
          return isObject(logs) ? [{ writer, name: logs['LogGroup'] }] : [];
        }),
    ),
    ...resourcesOf(template, 'AWS::Serverless::Application').flatMap(([writer, { Parameters }]) => {
      const name = isObject(Parameters) ? Parameters['functionName'] : undefined;
      return name === undefined ? [] : [{ writer, name: joined('/aws/lambda/', name) }];
    }),
    ...resourcesOf(template, 'AWS::ApiGatewayV2::Stage').flatMap(
      ([writer, { DefaultRouteSettings, ApiId, StageName }]) => {
        const level = isObject(DefaultRouteSettings) ? DefaultRouteSettings['LoggingLevel'] : undefined;
        if (level === undefined || level === 'OFF') return [];
        const parts = ['API-Gateway-Execution-Logs_', ApiId, `/${StageName}`];
        return [{ writer, name: { 'Fn::Join': ['', parts] } }];
      },
    ),
  ];
}

function databaseLogs(template: Template, type: string, kind: string, identifier: string): WrittenLog[] {
  return resourcesOf(template, type).flatMap(([writer, properties]) =>
    listed(properties['EnableCloudwatchLogsExports']).map((log) => {
      const name = properties[identifier];
      return { writer, name: joined(`/aws/rds/${kind}/`, name ?? '(a name that RDS chooses)', `/${log}`) };
    }),
  );
}

/** The text of the parts, or the `Fn::Join` that the CDK writes for them. */
function joined(...parts: unknown[]): unknown {
  return parts.every((part) => typeof part === 'string') ? parts.join('') : { 'Fn::Join': ['', parts] };
}
