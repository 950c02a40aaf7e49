/** Pins as the command writes them, and images as the tests take them. */
import { changePins } from '../../src/image/pin-file.js'
import type { BaseImage } from '../../src/image/base-image.js'
import type { Context } from '../../src/context.js'
import { ensureBaseImage } from '../../src/image/ensure-base-image.js'
import { pinImage } from '../../src/image/pin-image.js'
import { type Pin, pinKey } from '../../src/image/pins.js'
import { type ImageInput, parseRequest } from '../../src/request/request.js'

/** Resolves and writes the pin of a request to `file`. */
export async function pinTo(file: string, input: ImageInput, context: Context, known?: Pin): Promise<Pin> {
  const request = parseRequest(input)
  if (request.kind === 'file') throw new TypeError('Files are not pinned.')
  try {
    const pin = await pinImage(request, known, context)
    await changePins(file, (pins) => ({ ...pins, [pinKey(request, context.arch)]: pin }), context.signal)
    return pin
  } finally {
    await context.http.close()
  }
}

export async function ensure(input: ImageInput, context: Context): Promise<BaseImage> {
  try {
    return await ensureBaseImage(parseRequest(input), undefined, context)
  } finally {
    await context.http.close()
  }
}

/** A pin of nothing that there is, with these facts. */
export function pinLike(facts: Partial<Pin> = {}): Pin {
  return {
    request: 'acme',
    name: 'Acme',
    version: '1',
    build: '1',
    arch: 'x86_64',
    fileName: 'acme-1-1.x86_64.qcow2',
    url: 'https://acme.example.org/1/acme-1-1.x86_64.qcow2',
    digest: `sha256:${'ab'.repeat(32)}`,
    format: 'qcow2',
    trust: 'checksum',
    resolvedAt: '2026-11-28T12:00:00.000Z',
    ...facts,
  }
}
