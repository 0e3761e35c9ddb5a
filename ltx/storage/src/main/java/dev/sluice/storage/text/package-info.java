/** What users write in URLs, options and settings: durations, sizes and times. */
@NullMarked
package dev.sluice.storage.text;

import org.jspecify.annotations.NullMarked;
