import { namesAction, type Statement, statementsIn } from './policies.ts';
import { type Finding, isObject, listed, resourcesOf, type Template, targetOf } from './template.ts';

const cloudWatch = 'cloudwatch.amazonaws.com';
/** Policy conditions that an alarm of the same account meets. */
const metConditions = ['aws:SourceAccount', 'aws:SourceArn', 'AWS:SourceOwner'];
const actionProperties = ['AlarmActions', 'OKActions', 'InsufficientDataActions'];

/** Checks that each alarm may publish to each of its topics. A topic outside of the template is not checked. */
export function checkAlarmTopics(template: Template): Finding[] {
  return resourcesOf(template, 'AWS::CloudWatch::Alarm', 'AWS::CloudWatch::CompositeAlarm').flatMap(
    ([logicalId, properties]) => {
      const topics = actionProperties.flatMap((name) => listed(properties[name])).map(targetOf);
      const own = topics.filter((id) => id !== undefined && template.Resources[id]?.Type === 'AWS::SNS::Topic');
      return [...new Set(own as string[])]
        .filter((topic) => !mayPublish(template, topic))
        .map((topic) => ({
          logicalId,
          problem: `The alarm may not publish to ${topic}.`,
          nextStep: `Allow ${cloudWatch} sns:Publish in the policy of the topic and the use of its key.`,
        }));
    },
  );
}

function mayPublish(template: Template, topic: string): boolean {
  const key = template.Resources[topic]?.Properties?.['KmsMasterKeyId'];
  if (key !== undefined && !mayUseKey(template, key)) return false;
  const policies = resourcesOf(template, 'AWS::SNS::TopicPolicy').filter(([, { Topics }]) =>
    listed(Topics).some((each) => targetOf(each) === topic),
  );
  // Without a policy, SNS lets the whole account publish.
  if (policies.length === 0) return true;
  const statements = policies.flatMap(([, { PolicyDocument }]) => statementsIn(PolicyDocument));
  const concerns = (statement: Statement) =>
    namesAction(statement, 'sns:Publish') &&
    listed(statement.Resource).some((resource) => resource === '*' || targetOf(resource) === topic);
  return isAllowed(statements.filter(concerns));
}

/** Alarms may not use the key of SNS itself (`alias/aws/sns`). */
function mayUseKey(template: Template, key: unknown): boolean {
  const properties = template.Resources[targetOf(key) ?? '']?.Properties;
  if (!properties) return typeof key !== 'string' || !key.includes('alias/aws/');
  const statements = statementsIn(properties['KeyPolicy']);
  return ['kms:Decrypt', 'kms:GenerateDataKey'].every((action) =>
    isAllowed(statements.filter((statement) => namesAction(statement, action))),
  );
}

function isAllowed(statements: Statement[]): boolean {
  const forAlarms = statements.filter(({ Principal }) => isAlarm(Principal));
  const isMet = ({ Condition = {} }: Statement) =>
    Object.values(Condition).every((each) => Object.keys(each).every((key) => metConditions.includes(key)));
  const isDenied = forAlarms.some((statement) => statement.Effect === 'Deny' && isMet(statement));
  return !isDenied && forAlarms.some((statement) => statement.Effect === 'Allow' && isMet(statement));
}

function isAlarm(principal: unknown): boolean {
  if (principal === '*') return true;
  if (!isObject(principal)) return false;
  return listed(principal['Service']).includes(cloudWatch) || listed(principal['AWS']).includes('*');
}
