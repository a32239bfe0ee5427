/** How to reach S3 or a server that speaks its protocol. What is left out comes from the usual AWS variables and files. */
export interface S3Options {
  /** For a server other than AWS: addressed path-style. */
  readonly endpoint?: string;
  /** The same server as clients outside reach it; signed URLs carry it. */
  readonly publicEndpoint?: string;
  readonly region?: string;
  /** Without it the SDK's own search counts: variables, a service account's web identity (IRSA), the machine's role. */
  readonly credentials?: S3Keys;
  /** A role to take on first, say in the account that owns the bucket. */
  readonly role?: AssumedRole;
}

export interface S3Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface AssumedRole {
  readonly arn: string;
  /** What the role's owner asks for, so that nobody else can use our right to it. */
  readonly externalId?: string;
}
