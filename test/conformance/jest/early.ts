/** A file of Jest's setupFiles, which come before its runner. */
// oxlint-disable-next-line no-unassigned-import -- what it does at import is what is looked at
import 'vmimage/jest'
