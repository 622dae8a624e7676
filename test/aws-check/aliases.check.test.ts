import { checkAliases } from '../../scripts/aws-check/aliases.ts';
import { resourcesOf, type Template } from '../../scripts/aws-check/template.ts';
import { find, prodTemplate, told } from './templates.ts';

const [cursor] = find(prodTemplate(), 'AWS::Lambda::Function', 'CursorFunction');

/** Lets everything of a type that refers to the alias of the function `cursor` refer to the function. */
function bypassAlias(template: Template, type: string): void {
  const [alias] = find(template, 'AWS::Lambda::Alias', 'CursorFunction');
  for (const [id, properties] of resourcesOf(template, type)) {
    const text = JSON.stringify(properties).replaceAll(`{"Ref":"${alias}"}`, `{"Fn::GetAtt":["${cursor}","Arn"]}`);
    template.Resources[id]!.Properties = JSON.parse(text);
  }
}

test('in prod everything that invokes functions does so by their aliases', () => {
  expect(told(checkAliases(prodTemplate()))).toEqual([]);
});

test.each(['AWS::ApiGatewayV2::Integration', 'AWS::Lambda::Permission'])(
  'an %s that bypasses an alias is found',
  (type) => {
    const template = prodTemplate();
    bypassAlias(template, type);
    const problems = told(checkAliases(template));
    expect(problems.length).toBeGreaterThan(0);
    expect(problems[0]).toMatch(
      new RegExp(`: It invokes the function ${cursor}, whose calls are distributed by the alias CursorFunctionAlias`),
    );
  },
);

test('a gradual deployment without an alarm is found', () => {
  const template = prodTemplate();
  const [id, group] = find(template, 'AWS::CodeDeploy::DeploymentGroup');
  group['AlarmConfiguration'] = { Enabled: true, Alarms: [] };
  expect(told(checkAliases(template))).toEqual([
    `${id}: The gradual deployment watches no alarm, so it never goes back by itself. Give the deployment group the alarm of its function.`,
  ]);
});
