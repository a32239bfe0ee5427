import type { Readable } from "node:stream";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { putInParts } from "../parts.ts";

interface Target {
  readonly Bucket: string;
  readonly Key: string;
}

/** Stores a stream of unknown length: in one request when it fits a part, else as a multipart upload. */
export async function putStream(client: S3Client, target: Target, body: Readable): Promise<void> {
  await putInParts(
    body,
    (content) => client.send(new PutObjectCommand({ ...target, Body: content })),
    (parts) => putMultipart(client, target, parts),
  );
}

async function putMultipart(client: S3Client, target: Target, parts: AsyncIterable<Buffer>): Promise<void> {
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(target));
  const upload = { ...target, UploadId };
  try {
    const Parts: { ETag: string | undefined; PartNumber: number }[] = [];
    for await (const Body of parts) {
      const PartNumber = Parts.length + 1;
      const { ETag } = await client.send(new UploadPartCommand({ ...upload, PartNumber, Body }));
      Parts.push({ ETag, PartNumber });
    }
    await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));
  } catch (error) {
    await client.send(new AbortMultipartUploadCommand(upload));
    throw error;
  }
}
