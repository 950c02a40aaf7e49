/**
 * The public surface of `vmimage`; nothing else is public. Test frameworks have entries of their own:
 * `vmimage/vitest`, `vmimage/vitest/plugin`, `vmimage/vitest/global-setup`, `vmimage/vitest/setup`.
 */
export type { Arch } from './arch.js'
export { type Config, defineConfig } from './config/config.js'
export type { KeepPolicy, Options } from './options.js'
export { errorCodes, VmImageError, type VmImageErrorCode } from './errors.js'
export type { Trust } from './trust.js'
export { openVmImage, type OpenOptions } from './image/open.js'
export { type Disk, diskAt, type DiskAtOptions } from './image/disk-at.js'
export type { DiskInfo } from './image/disk-info.js'
export type { ExportFormat, ExportOptions } from './image/export-disk.js'
export type { ForkOptions } from './image/fork.js'
export type { KeptDisk } from './image/keep-disk.js'
export type { Launch } from './image/launch.js'
export type { VmImage } from './image/vm-image.js'
export type { ProviderDefinition } from './providers/definition.js'
export { imageProviders } from './providers/index.js'
export { defineProvider, type Provider } from './providers/provider.js'
export type { ChangedRange, Changes } from './qcow2/changes.js'
export type { Report, ReportEvent } from './report.js'
export type { ImageInput } from './request/request.js'
export type { ImageSpec } from './request/spec.js'
