import { type Access, type Action, isAtLeast, isPermitted } from '../../protocol/permissions.ts';

const actions: Action[] = ['view', 'comment', 'operate', 'manage'];
const allowed = (access: Partial<Access>) =>
  actions.filter((action) => isPermitted({ isOwner: false, role: null, isPublic: false, ...access }, action));

describe('isPermitted', () => {
  test('[SE1] each role may do all that lower roles may do, and the owner may do everything', () => {
    expect(allowed({})).toEqual([]);
    expect(allowed({ role: 'viewer' })).toEqual(['view']);
    expect(allowed({ role: 'commenter' })).toEqual(['view', 'comment']);
    expect(allowed({ role: 'operator' })).toEqual(['view', 'comment', 'operate']);
    expect(allowed({ isOwner: true })).toEqual(actions);
    expect(allowed({ isOwner: true, role: 'viewer' })).toEqual(actions);
  });

  test('[SE1] any user may view a public session and do nothing else in it', () => {
    expect(allowed({ isPublic: true })).toEqual(['view']);
    expect(allowed({ isPublic: true, role: 'commenter' })).toEqual(['view', 'comment']);
  });

  test('[SE1] viewer < commenter < operator', () => {
    expect(isAtLeast('commenter', 'viewer')).toBe(true);
    expect(isAtLeast('operator', 'operator')).toBe(true);
    expect(isAtLeast('viewer', 'commenter')).toBe(false);
    expect(isAtLeast('commenter', 'operator')).toBe(false);
  });
});
