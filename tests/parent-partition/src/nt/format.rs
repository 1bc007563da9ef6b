//! The printf language of DbgPrint and `_vsnwprintf`.
//!
//! Follows "Format specification syntax: printf and wprintf functions" of the C runtime reference, and the additions of
//! the DbgPrint page of the DDI reference: `%Z` and `%wZ` take a pointer to a counted string. The arguments are eight
//! bytes each, as win64 passes them.

/// Which of the two families of the C runtime a template belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    /// `%s` is a string of bytes.
    Narrow,
    /// `%s` is a string of UTF-16 units.
    Wide,
}

/// The text of a template, and whether it converted UTF-16 text on the way.
#[derive(Debug)]
pub struct Formatted {
    /// The text.
    pub text: String,
    /// True when a conversion read UTF-16 text, which DbgPrint allows at PASSIVE_LEVEL only.
    pub unicode: bool,
}

/// Formats a template whose arguments come one by one from `next`.
///
/// # Safety
/// Each string conversion's argument must be NULL or point to a string of the kind that the conversion names.
pub unsafe fn format(template: &str, family: Family, mut next: impl FnMut() -> u64) -> Formatted {
    let mut out = Formatted { text: String::new(), unicode: false };
    let mut rest = template.chars().peekable();
    while let Some(character) = rest.next() {
        if character != '%' {
            out.text.push(character);
            continue;
        }
        let mut spec = Spec::default();
        while let Some(flag) = rest.next_if(|c| "-+ #0".contains(*c)) {
            match flag {
                '-' => spec.left = true,
                '+' => spec.plus = true,
                ' ' => spec.space = true,
                '#' => spec.alternate = true,
                _ => spec.zero = true,
            }
        }
        spec.width = number(&mut rest, &mut next).unwrap_or(0);
        if rest.next_if_eq(&'.').is_some() {
            spec.precision = Some(number(&mut rest, &mut next).unwrap_or(0));
        }
        let mut size = String::new();
        while let Some(letter) = rest.next_if(|c| "hlLwIjzt0123456789".contains(*c)) {
            size.push(letter);
        }
        let Some(conversion) = rest.next() else { break };
        // SAFETY: the caller promises that string arguments point to strings.
        let body = unsafe { spec.body(conversion, &size, family, &mut next, &mut out.unicode) };
        out.text.push_str(&spec.padded(body));
    }
    out
}

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "the five flags of a printf conversion are independent")]
struct Spec {
    left: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
}

impl Spec {
    /// # Safety
    /// As [`fn@format`].
    unsafe fn body(
        &self,
        conversion: char,
        size: &str,
        family: Family,
        next: &mut impl FnMut() -> u64,
        unicode: &mut bool,
    ) -> String {
        match conversion {
            '%' => "%".into(),
            'd' | 'i' => {
                let value = signed(next(), size);
                let sign = match value {
                    ..0 => "-",
                    _ if self.plus => "+",
                    _ if self.space => " ",
                    _ => "",
                };
                self.digits(sign, value.unsigned_abs().to_string())
            }
            'u' => self.digits("", unsigned(next(), size).to_string()),
            'x' => self.digits(self.prefix("0x"), format!("{:x}", unsigned(next(), size))),
            'X' => self.digits(self.prefix("0X"), format!("{:X}", unsigned(next(), size))),
            'o' => self.digits(self.prefix("0"), format!("{:o}", unsigned(next(), size))),
            'p' => format!("{:016X}", next()),
            'c' | 'C' => {
                let unit = next() as u32;
                if is_wide(conversion == 'C', size, family) {
                    *unicode = true;
                    char::from_u32(unit & 0xffff).unwrap_or(char::REPLACEMENT_CHARACTER).into()
                } else {
                    char::from(unit as u8).into()
                }
            }
            's' | 'S' => {
                let pointer = next() as usize;
                let wide = is_wide(conversion == 'S', size, family);
                *unicode |= wide;
                // SAFETY: the caller promises a string of this kind.
                self.cut(unsafe { terminated(pointer, wide, self.precision) })
            }
            'Z' => {
                let pointer = next() as usize;
                let wide = size.contains('w') || size.contains('l');
                *unicode |= wide;
                // SAFETY: the caller promises a counted string of this kind.
                self.cut(unsafe { counted(pointer, wide) })
            }
            'f' | 'e' | 'g' | 'E' | 'G' => {
                format!("{:.*}", self.precision.unwrap_or(6), f64::from_bits(next()))
            }
            other => format!("%{size}{other}"),
        }
    }

    fn prefix(&self, prefix: &'static str) -> &'static str {
        if self.alternate { prefix } else { "" }
    }

    fn digits(&self, sign: &str, digits: String) -> String {
        let least = match self.precision {
            Some(precision) => precision,
            None if self.zero && !self.left => self.width.saturating_sub(sign.len()),
            None => 1,
        };
        format!("{sign}{}{digits}", "0".repeat(least.saturating_sub(digits.len())))
    }

    fn cut(&self, text: String) -> String {
        match self.precision {
            Some(precision) => text.chars().take(precision).collect(),
            None => text,
        }
    }

    fn padded(&self, body: String) -> String {
        let fill = " ".repeat(self.width.saturating_sub(body.chars().count()));
        if self.left { body + &fill } else { fill + &body }
    }
}

fn number(
    rest: &mut std::iter::Peekable<std::str::Chars<'_>>,
    next: &mut impl FnMut() -> u64,
) -> Option<usize> {
    if rest.next_if_eq(&'*').is_some() {
        return usize::try_from(next() as i32).ok();
    }
    let mut value = None;
    while let Some(digit) = rest.next_if(char::is_ascii_digit) {
        let digit = digit as usize - '0' as usize;
        value = Some(value.unwrap_or(0usize).saturating_mul(10).saturating_add(digit).min(4096));
    }
    value
}

fn is_wide(opposite: bool, size: &str, family: Family) -> bool {
    match size {
        "h" => false,
        "l" | "w" => true,
        _ => (family == Family::Wide) != opposite,
    }
}

fn signed(raw: u64, size: &str) -> i64 {
    match size {
        "ll" | "I64" | "j" | "z" | "t" | "I" => raw as i64,
        "h" => i64::from(raw as i16),
        "hh" => i64::from(raw as i8),
        _ => i64::from(raw as i32),
    }
}

fn unsigned(raw: u64, size: &str) -> u64 {
    match size {
        "ll" | "I64" | "j" | "z" | "t" | "I" => raw,
        "h" => u64::from(raw as u16),
        "hh" => u64::from(raw as u8),
        _ => u64::from(raw as u32),
    }
}

unsafe fn terminated(pointer: usize, wide: bool, most: Option<usize>) -> String {
    if pointer == 0 {
        return "(null)".into();
    }
    let most = most.unwrap_or(usize::MAX);
    let mut units = Vec::new();
    while units.len() < most {
        let at = pointer + units.len() * if wide { 2 } else { 1 };
        // SAFETY: the caller promises a terminated string; the walk stops at its terminator or at the precision.
        let unit = unsafe {
            if wide { std::ptr::read_unaligned(at as *const u16) } else { u16::from(*(at as *const u8)) }
        };
        if unit == 0 {
            break;
        }
        units.push(unit);
    }
    text(&units, wide)
}

unsafe fn counted(pointer: usize, wide: bool) -> String {
    if pointer == 0 {
        return "(null)".into();
    }
    // SAFETY: the caller promises a STRING or UNICODE_STRING: length in bytes at 0, buffer at 8.
    let (length, buffer) = unsafe { (*(pointer as *const u16), *((pointer + 8) as *const usize)) };
    if buffer == 0 {
        return String::new();
    }
    let count = usize::from(length) / if wide { 2 } else { 1 };
    let units: Vec<u16> = (0..count)
        .map(|index| {
            // SAFETY: the counted string promises `length` readable bytes.
            unsafe {
                if wide {
                    std::ptr::read_unaligned((buffer + index * 2) as *const u16)
                } else {
                    u16::from(*((buffer + index) as *const u8))
                }
            }
        })
        .collect();
    text(&units, wide)
}

fn text(units: &[u16], wide: bool) -> String {
    if wide {
        String::from_utf16_lossy(units)
    } else {
        String::from_utf8_lossy(&units.iter().map(|unit| *unit as u8).collect::<Vec<_>>()).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn narrow(template: &str, arguments: &[u64]) -> String {
        let mut arguments = arguments.iter().copied();
        // SAFETY: each test passes live, terminated strings.
        unsafe { format(template, Family::Narrow, || arguments.next().expect("an argument is missing")) }.text
    }

    #[test]
    fn integers_follow_their_size_prefix() {
        assert_eq!(narrow("%d %u", &[0xffff_ffff, 0xffff_ffff]), "-1 4294967295");
        assert_eq!(narrow("%I64x %llu", &[u64::MAX, u64::MAX]), "ffffffffffffffff 18446744073709551615");
        assert_eq!(narrow("%hu %hhd", &[0x1_2345, 0xff]), "9029 -1");
    }

    #[test]
    fn width_precision_and_flags_are_kept() {
        assert_eq!(
            narrow("[%5d] [%-5d] [%05d] [%+d] [%.3d]", &[7, 7, 7, 7, 7]),
            "[    7] [7    ] [00007] [+7] [007]"
        );
        assert_eq!(narrow("[%#x] [%08X] [%*u]", &[255, 0xbeef, 4, 9]), "[0xff] [0000BEEF] [   9]");
    }

    #[test]
    fn strings_of_both_kinds_are_read() {
        let bytes = b"bytes\0";
        let wide: Vec<u16> = "wide\0".encode_utf16().collect();
        let pointers = [bytes.as_ptr() as u64, wide.as_ptr() as u64, wide.as_ptr() as u64, 0];
        assert_eq!(narrow("%s %ws %S %s", &pointers), "bytes wide wide (null)");
        assert_eq!(narrow("%.2s|", &[bytes.as_ptr() as u64]), "by|");
    }

    #[test]
    fn counted_strings_need_no_terminator() {
        let units: Vec<u16> = "\\Driver\\Pf and more".encode_utf16().collect();
        let counted = (10u16 * 2, 40u16, 0u32, units.as_ptr() as usize);
        let raw: [u64; 2] = [u64::from(counted.0) | u64::from(counted.1) << 16, counted.3 as u64];
        assert_eq!(narrow("%wZ", &[raw.as_ptr() as u64]), "\\Driver\\Pf");
    }

    #[test]
    fn the_wide_family_swaps_the_meaning_of_s() {
        let wide: Vec<u16> = "wide\0".encode_utf16().collect();
        let bytes = b"bytes\0";
        let mut arguments = [wide.as_ptr() as u64, bytes.as_ptr() as u64].into_iter();
        // SAFETY: both strings live and are terminated.
        let out = unsafe { format("%s %S", Family::Wide, || arguments.next().unwrap_or(0)) };
        assert_eq!(out.text, "wide bytes");
        assert!(out.unicode);
    }
}
