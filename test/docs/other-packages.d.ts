/**
 * The parts of other packages that the snippets of the documents use, as their documentation describes them. They are not
 * installed here.
 */

declare module 'aws-amplify/auth' {
  export function fetchAuthSession(): Promise<{ tokens?: { accessToken: { toString(): string } } }>;
}

declare module '@auth0/auth0-spa-js' {
  export function createAuth0Client(options: {
    domain: string;
    clientId: string;
    authorizationParams?: { audience?: string; redirect_uri?: string };
  }): Promise<{ isAuthenticated(): Promise<boolean>; getTokenSilently(): Promise<string> }>;
}

declare module '@clerk/clerk-react' {
  export function useAuth(): { getToken(options?: { template?: string }): Promise<string | null> };
}

declare module '*.vue';
