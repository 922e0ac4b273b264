package sms

// Words are the texts of messages, by language; {code} is the code. Providers in China have templates of their own.
func Words(name string) map[string]string {
	return map[string]string{
		"en":    "{code} is your " + name + " code. It is good for 10 minutes. Never tell it to anybody.",
		"zh-CN": "【" + name + "】验证码 {code}，10 分钟内有效。请勿告诉任何人。",
	}
}
