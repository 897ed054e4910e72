// SPDX-License-Identifier: GPL-2.0

//! What is in the files.

use kernel::{
    fmt::{
        self,
        Write, //
    },
    page::PAGE_SIZE,
    prelude::*,
    str::Formatter, //
};

/// Writes the contents of a file and returns their size.
///
/// # Errors
///
/// `EINVAL` if they do not fit into a page.
pub(super) fn show(page: &mut [u8; PAGE_SIZE], contents: fmt::Arguments<'_>) -> Result<usize> {
    let mut formatter = Formatter::new(page);

    formatter.write_fmt(contents)?;
    Ok(formatter.bytes_written())
}

/// Reads a decimal number, as `kstrtouint()` does: there may be a sign before it and a line feed
/// after it.
///
/// # Errors
///
/// `EINVAL`.
pub(super) fn parse_number(contents: &[u8]) -> Result<u32> {
    let digits = contents.split(|byte| *byte == 0).next().unwrap_or(&[]);
    let digits = digits.strip_suffix(b"\n").unwrap_or(digits);
    let digits = digits.strip_prefix(b"+").unwrap_or(digits);

    if digits.is_empty() {
        return Err(EINVAL);
    }
    digits.iter().try_fold(0u32, |number, byte| {
        let digit = char::from(*byte).to_digit(10).ok_or(EINVAL)?;

        number
            .checked_mul(10)
            .and_then(|number| number.checked_add(digit))
            .ok_or(EINVAL)
    })
}

#[cfg(CONFIG_DRM_RVKMS_KUNIT_TEST)]
#[kunit_tests(rvkms_configfs_values)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (text, number) in [
            ("0", 0),
            ("7", 7),
            ("+7", 7),
            ("12\n", 12),
            ("012", 12),
            ("3\0junk", 3),
            ("4294967295", u32::MAX),
        ] {
            assert_eq!(parse_number(text.as_bytes()), Ok(number));
        }
    }

    #[test]
    fn what_is_no_number() {
        for text in [
            "",
            "\0",
            "\n",
            "+",
            "-1",
            "--1",
            "++1",
            "1 ",
            " 1",
            "1\n\n",
            "0x1",
            "1a",
            "primary",
            "4294967296",
            "99999999999999999999",
        ] {
            assert_eq!(parse_number(text.as_bytes()), Err(EINVAL));
        }
    }
}
